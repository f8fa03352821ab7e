import { describe, expect, it } from '@jest/globals';
import { type ConnectionManager, readByAnswers } from '../src/client.js';

/** A frame: its length, the number of the answer, that of the last change, an error, and data. */
function frameOf(xid: number, error: number, data = ''): Buffer {
  const frame = Buffer.alloc(20 + data.length);
  frame.writeInt32BE(16 + data.length, 0);
  frame.writeInt32BE(xid, 4);
  frame.writeInt32BE(error, 16);
  frame.write(data, 20);
  return frame;
}

function manager() {
  const frames: Buffer[] = [];
  const answers: unknown[] = [];
  const broken: unknown[] = [];
  let received = 0;
  const fake = {
    pendingQueue: [{ request: { header: { type: 4, xid: 1 } }, callback: (error: unknown) => answers.push(error) }],
    onSocketData(frame: Buffer) {
      if (frame.readInt32BE(16) === -125) throw new Error('Unknown code: -125');
      if (frame.readInt32BE(4) === -9) throw new Error('cannot be read');
      frames.push(frame);
    },
  } as unknown as ConnectionManager;
  readByAnswers(
    fake,
    () => received++,
    (error) => broken.push(error),
  );
  return { fake, frames, answers, broken, received: () => received };
}

describe('reading what the server sends', () => {
  it('gives the library whole answers, however they are cut', () => {
    const all = Buffer.concat([frameOf(1, 0, 'one'), frameOf(2, 0), frameOf(3, 0, 'x'.repeat(1000))]);
    for (const size of [1, 3, 7, 20, 50, 2000]) {
      const { fake, frames, received } = manager();
      for (let at = 0; at < all.length; at += size) fake.onSocketData(all.subarray(at, at + size));
      expect(frames.map((frame) => frame.readInt32BE(4))).toEqual([1, 2, 3]);
      expect(frames.map((frame) => frame.length)).toEqual([23, 20, 1020]);
      expect(received()).toBe(Math.ceil(all.length / size));
    }
  });

  it('makes an error of a number that the library does not know, and goes on', () => {
    const { fake, frames, answers, broken } = manager();
    fake.onSocketData(Buffer.concat([frameOf(1, -125), frameOf(2, 0)]));
    expect(answers).toMatchObject([{ code: -125 }]);
    expect(frames).toHaveLength(1);
    expect(broken).toEqual([]);
  });

  it('gives a link up whose answers cannot be read', () => {
    const { fake, broken } = manager();
    fake.onSocketData(frameOf(-9, 0));
    expect(broken).toMatchObject([{ message: 'cannot be read' }]);
  });
});
