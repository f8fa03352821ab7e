import { preset } from './index.js';

export default preset('jest-preset', import.meta.dirname);
