import { DecodeError } from '../../errors/index.js';
import { buildTable, type FseTable, readTable, singleSymbol } from './fse.js';

/** The three tables that sequences are coded with. */
export interface SequenceTables {
  readonly literals: FseTable;
  readonly offsets: FseTable;
  readonly matches: FseTable;
}

/** Extra bits of the literal length codes 16 and up. */
const LITERAL_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] as const;
/** Extra bits of the match length codes 32 and up. */
const MATCH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] as const;

/** What a length code stands for: a base, and so many bits more. */
export interface LengthCodes {
  readonly base: Int32Array;
  readonly bits: Uint8Array;
}

/** The codes of literal lengths, from 0, and of match lengths, from 3 (RFC 8878, tables 16 and 17). */
export const LITERAL_CODES = lengthCodes(0, 16, LITERAL_BITS);
export const MATCH_CODES = lengthCodes(3, 32, MATCH_BITS);

/** Codes without extra bits follow each other; each of the others begins where the one before it ends. */
function lengthCodes(first: number, plain: number, extra: readonly number[]): LengthCodes {
  const base = new Int32Array(plain + extra.length);
  const bits = new Uint8Array(plain + extra.length);
  let value = first;
  for (let code = 0; code < base.length; code++) {
    base[code] = value;
    bits[code] = code < plain ? 0 : (extra[code - plain] as number);
    value += 1 << (bits[code] as number);
  }
  return { base, bits };
}

const HIGHEST_OFFSET_CODE = 31;

/** The tables that are used when a block brings none of its own (RFC 8878, section 3.1.1.3.2.2). */
const PREDEFINED: SequenceTables = {
  literals: buildTable(
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
    6,
  ),
  offsets: buildTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
  matches: buildTable(
    [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    6,
  ),
};

const SHAPES = [
  { name: 'literals', shift: 6, maxLog: 9, maxSymbol: LITERAL_CODES.base.length - 1 },
  { name: 'offsets', shift: 4, maxLog: 8, maxSymbol: HIGHEST_OFFSET_CODE },
  { name: 'matches', shift: 2, maxLog: 9, maxSymbol: MATCH_CODES.base.length - 1 },
] as const;

/** The header of a sequences section: how many there are, their tables, and where their bits begin. */
export interface SequencesHeader {
  readonly count: number;
  readonly tables: SequenceTables | undefined;
  readonly end: number;
}

/** Reads it; `previous` are the tables of the block before. */
export function readSequencesHeader(section: Buffer, previous: SequenceTables | undefined): SequencesHeader {
  const [first = 0, second = 0, third = 0] = section;
  if (section.length === 0) throw malformed();
  if (first === 0) return { count: 0, tables: previous, end: 1 };
  const width = first < 128 ? 1 : first < 255 ? 2 : 3;
  const count = width === 1 ? first : width === 2 ? ((first - 128) << 8) + second : second + (third << 8) + 0x7f00;
  const modes = section[width];
  if (modes === undefined || (modes & 3) !== 0) throw malformed();
  let at = width + 1;
  const tables: Record<keyof SequenceTables, FseTable> = { ...PREDEFINED };
  for (const { name, shift, maxLog, maxSymbol } of SHAPES) {
    const mode = (modes >> shift) & 3;
    if (mode === 1) {
      const symbol = section[at++];
      if (symbol === undefined || symbol > maxSymbol) throw malformed();
      tables[name] = singleSymbol(symbol);
    } else if (mode === 2) {
      const read = readTable(section, at, maxLog, maxSymbol);
      tables[name] = read.table;
      at = read.end;
    } else if (mode === 3) {
      if (previous === undefined) throw malformed();
      tables[name] = previous[name];
    }
  }
  return { count, tables, end: at };
}

function malformed(): DecodeError {
  return new DecodeError('The zstd body is malformed');
}
