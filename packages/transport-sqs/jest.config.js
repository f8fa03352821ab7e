import { preset } from '@kombu/jest-preset';

export default preset('transport-sqs', import.meta.dirname);
