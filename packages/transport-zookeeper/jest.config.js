import { preset } from '@kombu/jest-preset';

export default preset('transport-zookeeper', import.meta.dirname);
