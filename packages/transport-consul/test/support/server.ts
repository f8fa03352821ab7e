import { describe, it } from '@jest/globals';
import { type Consul, type ConsulOptions, isUnavailable, startConsul } from '@kombu/brokers';

/** Sessions as short as that can be had from the servers of these tests. */
export const SESSION_TTL_MIN = '200ms';

/** Starts Consul for the tests that `body` registers; where it cannot be had they are reported as skipped, with the reason. */
export async function withServer(
  options: ConsulOptions,
  body: (server: Consul) => void | Promise<void>,
): Promise<void> {
  const server = await startConsul({ sessionTtlMin: SESSION_TTL_MIN, ...options });
  if (!isUnavailable(server)) return body(server);
  describe('consul', () => {
    it.skip(`skipped: ${server.unavailable}`, () => {});
  });
}
