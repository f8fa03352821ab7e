export type { FilesystemOptions } from './options.js';
export { filesystem } from './transport.js';
