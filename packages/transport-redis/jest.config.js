import { preset } from '@kombu/jest-preset';

export default preset('transport-redis', import.meta.dirname);
