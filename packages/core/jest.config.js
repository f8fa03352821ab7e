import { preset } from '@kombu/jest-preset';

export default preset('core', import.meta.dirname);
