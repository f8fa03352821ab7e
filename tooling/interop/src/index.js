export { goldenEnvelope, goldenPayloads, goldenPublished } from './golden.js';
export { startPython } from './peer.js';
export { findPython } from './python.js';
