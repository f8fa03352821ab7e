import { preset } from '@kombu/jest-preset';

export default preset('interop', import.meta.dirname, { testTimeout: 60_000 });
