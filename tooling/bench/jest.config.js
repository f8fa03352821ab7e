import { preset } from '@kombu/jest-preset';

export default preset('bench', import.meta.dirname, { testTimeout: 60_000 });
