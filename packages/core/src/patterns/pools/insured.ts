import type { Connection } from '../../connection/connection.js';
import type { EnsureContext } from '../../connection/ensure.js';
import type { RetryPolicy } from '../../connection/retry.js';
import type { ConnectionPool } from './connection-pool.js';

/** What a function gets that {@link insured} calls: the connection of the pool, and what `ensure` gives. */
export interface InsuredContext extends EnsureContext {
  /** The connection, lent by the pool for as long as the call lasts. */
  readonly connection: Connection;
}

/**
 * Takes a connection from the pool, calls `fn` with its channel and `args`, again after every lost link as
 * `connection.ensure()` does, and puts the connection back. Resolves with what `fn` returns. `fn` may have done its work more
 * than once.
 *
 * @throws OperationalError with the last error as its `cause`; what `fn` throws where trying again is of no use.
 */
export function insured<T, A extends readonly unknown[] = []>(
  pool: ConnectionPool,
  fn: (context: InsuredContext, ...args: A) => T | Promise<T>,
  args: A = [] as unknown as A,
  policy: RetryPolicy = {},
): Promise<T> {
  return pool.use((connection) => connection.ensure((context) => fn({ ...context, connection }, ...args), policy), {
    signal: policy.signal,
  });
}
