import { isUnavailable, startZookeeper, type Zookeeper, type ZookeeperOptions } from '@kombu/brokers';
import zookeeper, { type Client } from 'node-zookeeper-client';

/** Starts ZooKeeper; without one no test of this package can say anything. */
export async function startServer(options: ZookeeperOptions = {}): Promise<Zookeeper> {
  const broker = await startZookeeper(options);
  if (isUnavailable(broker)) throw new Error(broker.unavailable);
  return broker;
}

/** A client of the driver's library, to look at what is stored and to meddle with it. */
export interface RawClient extends AsyncDisposable {
  readonly client: Client;
  /** Names of the children, sorted; undefined: there is no such znode. */
  children(path: string): Promise<string[] | undefined>;
  data(path: string): Promise<string | undefined>;
  /** Removes a znode and all below it. */
  removeTree(path: string): Promise<void>;
  close(): Promise<void>;
}

/** Connects without Kombu. */
export async function connectRaw(server: Zookeeper, auth?: string): Promise<RawClient> {
  const client = zookeeper.createClient(`${server.host}:${server.port}`, { sessionTimeout: 10_000 });
  if (auth !== undefined) client.addAuthInfo('digest', Buffer.from(auth));
  await new Promise<void>((resolve) => {
    client.once('connected', resolve);
    client.connect();
  });
  const call = <T>(run: (done: (error: unknown, value: T) => void) => void): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      run((error, value) => {
        if (!error) resolve(value);
        else if ((error as { code?: number }).code === zookeeper.Exception.NO_NODE) resolve(undefined);
        else reject(error);
      });
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      client.once('disconnected', resolve);
      client.close();
    });
  const children = async (path: string): Promise<string[] | undefined> =>
    (await call<string[]>((done) => client.getChildren(path, done)))?.sort();
  const removeTree = async (path: string): Promise<void> => {
    for (const name of (await children(path)) ?? []) await removeTree(`${path}/${name}`);
    await call((done: (error: unknown, value: undefined) => void) => client.remove(path, (e) => done(e, undefined)));
  };
  return {
    client,
    removeTree,
    children,
    data: async (path) => (await call<Buffer | undefined>((done) => client.getData(path, done)))?.toString(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
