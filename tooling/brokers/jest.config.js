import { preset } from '@kombu/jest-preset';

export default preset('brokers', import.meta.dirname, { testTimeout: 60_000 });
