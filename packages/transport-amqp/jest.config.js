import { preset } from '@kombu/jest-preset';

export default preset('transport-amqp', import.meta.dirname);
