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

/**
 * Closes an AMQP channel. Resolves with true when the broker has said so, and has handled everything sent on it before; with
 * false when the channel or the connection was gone already, or ended meanwhile.
 */
export function closeChannel(channel: Channel): Promise<boolean> {
  return new Promise((resolve) => {
    // amqplib forgets about the close when the connection ends first; its own answer comes in a microtask, so it wins.
    channel.once('close', () => setImmediate(resolve, false));
    channel.close().then(
      () => resolve(true),
      () => resolve(false),
    );
  });
}
