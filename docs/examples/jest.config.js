import { preset } from '@kombu/jest-preset';

export default preset('examples', import.meta.dirname);
