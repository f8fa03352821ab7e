import { abortError, type BrokerTarget, type TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { createDriver } from './driver.js';
import { FolderLink } from './folder-link.js';
import { prepareFolders, resolveFolders } from './folders.js';
import type { FilesystemOptions } from './options.js';
import { translateOpenError } from './translate-error.js';

/** Opens a link: makes the folders that are missing. */
export async function open(
  target: BrokerTarget<FilesystemOptions & VirtualOptions>,
  context: TransportContext,
): Promise<VirtualDriver> {
  const folders = resolveFolders(target.virtualHost, target.options);
  try {
    await prepareFolders(folders);
  } catch (error) {
    throw translateOpenError(error, `opening the folder ${folders.in}`);
  }
  if (context.signal.aborted) throw abortError(context.signal, 'opening the folder');
  return createDriver(new FolderLink(folders), target.options, context);
}
