import { preset } from '@kombu/jest-preset';

export default preset('conformance', import.meta.dirname);
