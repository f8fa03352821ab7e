import { DecodeError } from '../../errors/index.js';
import { ARGUMENT, Op, REFUSED } from './opcodes.js';

/** The two names that protocol 2 needs to say "bytes"; see {@link scanPickle}. */
export const BYTES_GLOBALS: ReadonlyMap<string, 'encode' | 'bytes'> = new Map([
  ['_codecs\nencode\n', 'encode'],
  ['__builtin__\nbytes\n', 'bytes'],
]);

const LONGEST_GLOBAL = Math.max(...[...BYTES_GLOBALS.keys()].map((name) => name.length));

/** What a pickle is made of, found out before anything is built. */
export interface PickleScan {
  /** The offset just after STOP. */
  readonly end: number;
}

/**
 * Reads through a pickle, opcode by opcode, and refuses it when it has one that is not plain data: a class, a function, a call,
 * a persistent id, an extension, or an opcode of protocols 0 and 1. Nothing is built.
 *
 * Python has no bytes opcode before protocol 3: it writes `_codecs.encode(text, 'latin1')`, or `__builtin__.bytes()` when they are
 * empty. Those two names are let through here, and the reader gives them a meaning in exactly those two calls, without ever
 * looking a name up.
 */
export function scanPickle(body: Buffer): PickleScan {
  let at = 0;
  let namedBytes = false;
  for (;;) {
    const op = body[at];
    if (op === undefined) throw cutOff(at);
    if (op === Op.global && at < body.length) {
      at += 1 + bytesGlobal(body, at + 1).length;
      namedBytes = true;
      continue;
    }
    const argument = ARGUMENT.get(op);
    if (argument === undefined || (op === Op.reduce && !namedBytes)) throw refused(op, at);
    if (op === Op.proto) checkProtocol(body[at + 1]);
    at += 1 + (argument >= 0 ? argument : lengthOf(body, at + 1, -argument));
    if (at > body.length) throw cutOff(body.length);
    if (op === Op.stop) return { end: at };
  }
}

/** The name at an offset, which has to be one of the two. */
export function bytesGlobal(body: Buffer, at: number): string {
  const text = body.toString('latin1', at, Math.min(at + LONGEST_GLOBAL, body.length));
  for (const name of BYTES_GLOBALS.keys()) if (text.startsWith(name)) return name;
  throw refused(Op.global, at - 1);
}

/** The length field and the bytes after it. */
function lengthOf(body: Buffer, at: number, width: number): number {
  if (at + width > body.length) throw cutOff(body.length);
  if (width === 8) return 8 + Number(body.readBigUInt64LE(at));
  return width + body.readUIntLE(at, width);
}

function checkProtocol(protocol: number | undefined): void {
  if (protocol === undefined || protocol < 2 || protocol > 5) {
    throw new DecodeError(`The pickle is of protocol ${protocol}; protocols 2 to 5 are read`);
  }
}

function refused(op: number, at: number): DecodeError {
  const name = REFUSED.get(op) ?? `0x${op.toString(16)}`;
  return new DecodeError(
    `The pickle has the opcode ${name} at byte ${at}: only plain data is read (None, bool, int, float, str, bytes, bytearray, list, tuple, dict and set)`,
  );
}

function cutOff(at: number): DecodeError {
  return new DecodeError(`The pickle is cut off at byte ${at}`);
}
