import type { Subscription } from '@aws-sdk/client-sns';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { BindingRecord } from '@kombu/core/virtual';
import type { SqsLink } from './link.js';
import { allowTopic } from './queue-policy.js';
import type { Queues } from './queues.js';
import type { SnsTopics } from './sns-topics.js';
import { isMissing } from './translate-error.js';

/** How often a queue's policy is written when others change it at the same time. */
const POLICY_ROUNDS = 3;

/** A subscription that this link has made. */
interface Subscribed {
  readonly arn: string;
  /** The bindings that it is for. */
  readonly keys: Set<string>;
}

/** Bindings of queues to fanout exchanges: subscriptions of the queues to their topics, and leave for the topics to send to them. */
export class SnsSubscriptions {
  readonly #link: SqsLink;
  readonly #queues: Queues;
  readonly #topics: SnsTopics;
  /** By queue and exchange. */
  readonly #known = new Map<string, Map<string, Subscribed>>();
  /** Topics that were given leave to send to a queue. */
  readonly #allowed = new Map<string, Set<string>>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(link: SqsLink, queues: Queues, topics: SnsTopics) {
    this.#link = link;
    this.#queues = queues;
    this.#topics = topics;
  }

  async bind({ exchange, destination, routingKey }: BindingRecord): Promise<void> {
    // Both are somebody else's, and so is what joins them.
    if (this.#topics.predefined(exchange) !== undefined && this.#queues.predefined) return;
    await this.#inTurn(destination, async () => {
      // Every time: the queue may be another one than it was, or its subscription gone.
      const arn = await this.#subscribe(exchange, destination);
      const known = this.#known.get(destination) ?? new Map<string, Subscribed>();
      this.#known.set(destination, known);
      known.set(exchange, { arn, keys: new Set([...(known.get(exchange)?.keys ?? []), routingKey]) });
    });
  }

  async unbind({ exchange, destination, routingKey }: BindingRecord): Promise<void> {
    await this.#inTurn(destination, async () => {
      const known = this.#known.get(destination)?.get(exchange);
      if (known === undefined) return;
      known.keys.delete(routingKey);
      if (known.keys.size > 0) return;
      this.#known.get(destination)?.delete(exchange);
      await this.#unsubscribe(exchange, known.arn);
    });
  }

  /** The exchange was deleted, and all bindings with it. */
  forget(exchange: string): void {
    for (const known of this.#known.values()) known.delete(exchange);
  }

  /** A queue is about to be deleted. */
  async queueGone(queue: string): Promise<void> {
    await this.#inTurn(queue, async () => {
      const known = [...(this.#known.get(queue) ?? [])];
      this.#known.delete(queue);
      this.#allowed.delete(queue);
      for (const [exchange, { arn }] of known) await this.#unsubscribe(exchange, arn);
    });
  }

  /** One change of a queue's bindings at a time: its policy is read, changed and written. */
  #inTurn(queue: string, work: () => Promise<void>): Promise<void> {
    const mine = Promise.resolve(this.#turns.get(queue)).then(work, work);
    this.#turns.set(queue, mine);
    const ended = (): void => {
      if (this.#turns.get(queue) === mine) this.#turns.delete(queue);
    };
    mine.then(ended, ended);
    return mine;
  }

  async #subscribe(exchange: string, queue: string): Promise<string> {
    const TopicArn = await this.#topics.arn(exchange);
    const { QueueArn = '' } = await this.#queues.get(queue).attributes('QueueArn');
    await this.#endOrphans(exchange, TopicArn, QueueArn);
    await this.#allow(queue, QueueArn, TopicArn);
    const { SubscribeCommand } = this.#topics.sns;
    const { SubscriptionArn } = await this.#topics.call(`subscribing queue '${queue}'`, exchange, (client, o) =>
      client.send(
        new SubscribeCommand({
          TopicArn,
          Protocol: 'sqs',
          Endpoint: QueueArn,
          ReturnSubscriptionArn: true,
          Attributes: { RawMessageDelivery: 'true' },
        }),
        o,
      ),
    );
    return SubscriptionArn as string;
  }

  /** Lets a topic send to a queue. Others may write the policy at the same time: it is looked at once more. */
  async #allow(queue: string, queueArn: string, topicArn: string): Promise<void> {
    const allowed = this.#allowed.get(queue) ?? new Set<string>();
    this.#allowed.set(queue, allowed.add(topicArn));
    const one = this.#queues.get(queue);
    for (let round = 0; round < POLICY_ROUNDS; round++) {
      const { Policy } = await one.attributes('Policy');
      // With all that this link has written: what is read may be older than that.
      const policy = allowTopic(Policy, queueArn, ...allowed);
      if (policy === undefined) return;
      const change = new SetQueueAttributesCommand({ QueueUrl: await one.url(), Attributes: { Policy: policy } });
      await this.#link.call(`letting a topic send to queue '${queue}'`, (o) => one.client.send(change, o));
    }
  }

  /** Ends subscriptions of queues of this account that are not there any more. That this is not allowed is nobody's trouble. */
  async #endOrphans(exchange: string, TopicArn: string, queueArn: string): Promise<void> {
    if (this.#queues.predefined || this.#topics.predefined(exchange) !== undefined) return;
    try {
      for (const { Protocol, Endpoint = '', SubscriptionArn = '' } of await this.#subscriptions(exchange, TopicArn)) {
        const [, , , region, owner, name = ''] = Endpoint.split(':');
        if (Protocol !== 'sqs' || !queueArn.includes(`:${region}:${owner}:`)) continue;
        if (!(await this.#queues.existsAs(name))) await this.#unsubscribe(exchange, SubscriptionArn);
      }
    } catch (error) {
      this.#link.check();
      this.#link.logger.debug(`subscriptions of exchange '${exchange}' were not looked through: ${error}`);
    }
  }

  async #subscriptions(exchange: string, TopicArn: string): Promise<readonly Subscription[]> {
    const { ListSubscriptionsByTopicCommand } = this.#topics.sns;
    const all: Subscription[] = [];
    let NextToken: string | undefined;
    do {
      const list = new ListSubscriptionsByTopicCommand({ TopicArn, ...(NextToken && { NextToken }) });
      const answer = await this.#topics.call(`looking at topic '${exchange}'`, exchange, (client, o) =>
        client.send(list, o),
      );
      all.push(...(answer.Subscriptions ?? []));
      NextToken = answer.NextToken;
    } while (NextToken);
    return all;
  }

  async #unsubscribe(exchange: string, SubscriptionArn: string): Promise<void> {
    const { UnsubscribeCommand } = this.#topics.sns;
    try {
      await this.#topics.call(`unsubscribing from topic '${exchange}'`, exchange, (client, o) =>
        client.send(new UnsubscribeCommand({ SubscriptionArn }), o),
      );
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}
