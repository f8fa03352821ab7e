import { preset } from '@kombu/jest-preset';

export default preset('transport-etcd', import.meta.dirname);
