import { describe, expect, it } from '@jest/globals';
import { MessageIds } from '../src/message-ids.js';
import { ServerClock } from '../src/server-clock.js';

/** Clocks of a machine, and one of a server, which go on by hand. */
function make() {
  const time = { wall: 1_700_000_000_000, monotonic: 5000 };
  const clock = new ServerClock({ now: () => time.wall, monotonic: () => time.monotonic });
  const pass = (ms: number) => {
    time.wall += ms;
    time.monotonic += ms;
  };
  return { time, clock, pass };
}

describe('the server’s time', () => {
  it('is not moved by a step of this machine’s clock', () => {
    const { time, clock, pass } = make();
    clock.learn(new Date(1_800_000_000_000), 5000, 5000);
    pass(1000);
    time.wall += 3_600_000;
    expect(clock.in(500).getTime()).toBe(1_800_000_001_500);
    expect(clock.of(time.wall + 100).getTime()).toBe(1_800_000_001_100);
    expect(clock.here(new Date(1_800_000_001_100))).toBe(time.wall + 100);
  });

  it('is not made worse by an answer that was long on its way, and is corrected by what the answer rules out', () => {
    const { clock } = make();
    clock.learn(new Date(1_800_000_000_000), 5000, 5010);
    const known = clock.in().getTime();
    clock.learn(new Date(1_800_000_004_000), 5000, 15_000);
    expect(clock.in().getTime()).toBe(known);
    clock.learn(new Date(1_800_000_060_000), 5000, 5000);
    expect(clock.in().getTime()).toBe(1_800_000_060_000);
  });
});

describe('ids of messages', () => {
  it('have the server’s time, and grow although the clock goes back', () => {
    const { time, clock } = make();
    clock.learn(new Date(1_800_000_000_000), 5000, 5000);
    const ids = new MessageIds(clock);
    const made: string[] = [];
    for (const monotonic of [5000, 5000, 9000, 6000, 5000, 10_000]) {
      time.monotonic = monotonic;
      made.push(ids.next().toHexString());
    }
    expect([...made].sort()).toEqual(made);
    expect(ids.next().getTimestamp().getTime()).toBe(1_800_000_005_000);
  });

  it('grow when the counter in them begins again', () => {
    const { time, clock } = make();
    clock.learn(new Date(1_800_000_000_000), 5000, 5000);
    let counter = 0xfffffd;
    const ids = new MessageIds(clock, (seconds) => {
      const id = Buffer.alloc(12);
      id.writeUInt32BE(seconds, 0);
      id.writeUIntBE(counter++ & 0xffffff, 9, 3);
      return id;
    });
    const made = Array.from({ length: 6 }, () => ids.next().toHexString());
    time.monotonic += 1000;
    made.push(ids.next().toHexString());
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(7);
  });
});
