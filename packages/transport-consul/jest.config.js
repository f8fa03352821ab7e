import { preset } from '@kombu/jest-preset';

export default preset('transport-consul', import.meta.dirname);
