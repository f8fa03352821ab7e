import { types } from 'node:util';

/** The same bytes as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether a value is binary data: a Buffer or other Uint8Array, an ArrayBuffer, or a DataView. */
export function isBytes(value: object): value is Uint8Array | ArrayBuffer | DataView {
  if (ArrayBuffer.isView(value)) return types.isUint8Array(value) || types.isDataView(value);
  return isArrayBuffer(value);
}

/** Binary data of any of those kinds as a Buffer, without a copy. */
export function bytesOf(value: Uint8Array | ArrayBuffer | DataView): Buffer {
  return isArrayBuffer(value) ? Buffer.from(value) : asBuffer(viewOf(value));
}

function viewOf(value: Uint8Array | DataView): Uint8Array {
  return types.isUint8Array(value) ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function isArrayBuffer(value: object): value is ArrayBuffer {
  return types.isAnyArrayBuffer(value);
}
