import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';

/** What the owner of an AMQP channel is told. */
export interface ChannelFate {
  /**
   * The channel is gone; called once, synchronously, so that nothing is written to its number any more. `error` is what the
   * broker said; undefined when the connection ended or we closed it.
   */
  died(error: Error | undefined): void;
}

/**
 * Opens an AMQP channel. None of its events can crash the process or end the connection: errors have a listener, and so have
 * those that a listener throws, such as amqplib's own for a consumer that was just cancelled.
 */
export async function openChannel(model: ChannelModel, fate: ChannelFate, confirm?: false): Promise<Channel>;
export async function openChannel(model: ChannelModel, fate: ChannelFate, confirm: true): Promise<ConfirmChannel>;
export async function openChannel(model: ChannelModel, fate: ChannelFate, confirm = false): Promise<Channel> {
  const channel = confirm ? await model.createConfirmChannel() : await model.createChannel();
  let said: Error | undefined;
  channel.on('error', (error: Error) => {
    said = error;
  });
  channel.on('handler-error', () => {});
  channel.on('close', () => fate.died(said));
  return channel;
}

/** Closes an AMQP channel; resolves when the broker has, or at once when it was not open. */
export async function closeChannel(channel: Channel): Promise<void> {
  await new Promise<void>((resolve) => {
    channel.once('close', resolve);
    try {
      channel.close().then(resolve, () => resolve());
    } catch {
      resolve();
    }
  });
}
