import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rabbitmqctl } from '../src/rabbitmq-ctl.js';

/** Says what rabbitmqctl 3.10 says of a node that boots, the first two times; of 'wrong' that it is wrong. */
const PROGRAM = `#!/bin/sh
cd "$(dirname "$0")"
echo "$1" >> calls
if [ "$1" = wrong ]; then
  printf 'Error:\nno such thing\nArguments given:\n\twrong\n\nUsage\n\nrabbitmqctl wrong <it>\n' >&2
  exit 64
fi
if [ "$(grep -c . calls)" -le 2 ]; then
  printf "Error: this command requires the 'rabbit' app to be running on the target node.\nArguments given:\n\t$1\n" >&2
  exit 64
fi
echo "did $1"
`;

describe('rabbitmqctl', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kombu-ctl-'));
    program = path.join(folder, 'rabbitmqctl');
    await writeFile(program, PROGRAM, { mode: 0o755 });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('asks a node that has not booted to its end again', async () => {
    expect(await rabbitmqctl(program, process.env)('add_vhost')).toBe('did add_vhost\n');
  });

  it('says why an order is refused, without its usage', async () => {
    await expect(rabbitmqctl(program, process.env)('wrong')).rejects.toThrow(
      /^rabbitmqctl wrong: Error:\nno such thing$/,
    );
  });
});
