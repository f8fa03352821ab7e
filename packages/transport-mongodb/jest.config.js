import { preset } from '@kombu/jest-preset';

export default preset('transport-mongodb', import.meta.dirname);
