export { startPython } from './peer.js';
export { findPython } from './python.js';
