import { preset } from '@kombu/jest-preset';

export default preset('scripts', import.meta.dirname);
