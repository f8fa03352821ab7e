import { preset } from '@kombu/jest-preset';

export default preset('transport-filesystem', import.meta.dirname);
