import net from 'node:net';

/** A TCP proxy on 127.0.0.1 that can cut its connections, and stall them as a network does that drops every packet. */
export interface TcpProxy {
  readonly port: number;
  /** Open connections. */
  readonly connections: number;
  /** From now on nothing passes, either way, and nothing is closed; new connections are taken and stalled. */
  stall(): void;
  /** Lets new connections pass again. What was stalled stays so. */
  pass(): void;
  /** Cuts every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of `host:port`. */
export async function startProxy(host: string, port: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [net.Socket, net.Socket | undefined]>();
  let stalled = false;
  const server = net.createServer((client) => {
    client.on('error', () => {});
    if (stalled) {
      const pair = [client, undefined] as const;
      pairs.add(pair);
      client.on('close', () => pairs.delete(pair));
      return;
    }
    const upstream = net.connect(port, host);
    upstream.on('error', () => {});
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.pipe(upstream);
    upstream.pipe(client);
    client.on('close', () => {
      pairs.delete(pair);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream?.destroy();
    }
    pairs.clear();
  };
  return {
    port: address.port,
    get connections() {
      return pairs.size;
    },
    stall() {
      stalled = true;
      for (const [client, upstream] of pairs) {
        if (upstream === undefined) continue;
        client.unpipe(upstream);
        upstream.unpipe(client);
        client.pause();
        upstream.pause();
      }
    },
    pass() {
      stalled = false;
    },
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
