import { afterAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, startRabbitmq } from '@kombu/brokers';

const broker = await startRabbitmq();

describe('a RabbitMQ node', () => {
  if (isUnavailable(broker)) {
    it.skip(`skipped: ${broker.unavailable}`, () => {});
    return;
  }
  afterAll(() => broker.close());
  if (broker.ctl === undefined || broker.kill === undefined) {
    it.skip('skipped: the RabbitMQ node was not started from its own program', () => {});
    return;
  }

  it('says why an order is refused', async () => {
    await expect(broker.ctl?.('delete_vhost', 'absent')).rejects.toThrow(/absent/);
  }, 30_000);

  it('comes back on its port with its data after a kill, and leaves nothing behind', async () => {
    const pid = broker.pid as number;
    await broker.ctl?.('add_vhost', 'kept');
    await broker.kill?.();
    expect(() => process.kill(pid, 0)).toThrow();
    await broker.start?.();
    expect(broker.pid).not.toBe(pid);
    expect(await broker.ctl?.('list_vhosts')).toContain('kept');
    const last = broker.pid as number;
    await broker.close();
    await broker.close();
    expect(() => process.kill(last, 0)).toThrow();
  }, 90_000);
});
