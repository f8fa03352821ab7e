import { abortError, type BrokerTarget, InvalidOptionError, type TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { createDriver } from './driver.js';
import { FolderLink } from './folder-link.js';
import { prepareFolders, resolveFolders } from './folders.js';
import type { FilesystemOptions } from './options.js';
import { translateOpenError } from './translate-error.js';

/** `filesystem://tmp/foo` has the host `tmp`: its folder would be `/foo`. */
function refuseHost({ hostname }: BrokerTarget): void {
  if (hostname === undefined || hostname === 'localhost') return;
  throw new InvalidOptionError(
    `filesystem: the URL has the host '${hostname}', but a folder has none; write its whole path after three slashes, such as filesystem:///tmp/foo`,
  );
}

/** Opens a link: makes the folders that are missing. */
export async function open(
  target: BrokerTarget<FilesystemOptions & VirtualOptions>,
  context: TransportContext,
): Promise<VirtualDriver> {
  refuseHost(target);
  const folders = resolveFolders(target.virtualHost, target.options);
  try {
    await prepareFolders(folders);
  } catch (error) {
    throw translateOpenError(error, `opening the folder ${folders.in}`);
  }
  if (context.signal.aborted) throw abortError(context.signal, 'opening the folder');
  return createDriver(new FolderLink(folders), target.options, context);
}
