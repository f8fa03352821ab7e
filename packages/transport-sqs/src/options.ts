import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type { OptionSpecs } from '@kombu/core';

/** Where something is that another account or region has. Each undefined one is as for the whole connection. */
export interface OtherAccount {
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

/** A queue that somebody else makes and deletes. */
export interface PredefinedQueue extends OtherAccount {
  /** The queue's URL, such as `https://sqs.eu-central-1.amazonaws.com/123456789012/jobs`. */
  readonly url: string;
  /** For messages of this queue, in place of the connection's. */
  readonly backoffPolicy?: SqsBackoffPolicy | undefined;
}

/** An SNS topic that somebody else makes and deletes. */
export interface PredefinedExchange extends OtherAccount {
  /** The topic's ARN. */
  readonly arn: string;
}

/**
 * How long a requeued message stays hidden, by how often it was received: milliseconds for each count (a count above the largest
 * one gets that one's), or a function of the count. SQS keeps whole seconds, up to twelve hours.
 */
export type SqsBackoffPolicy = Readonly<Record<number, number>> | ((receiveCount: number) => number);

/** The transport options of SQS, besides those that every virtual transport has. */
export interface SqsOptions {
  /** The region. Default: that of the environment or of the profile, as the SDK finds it; else `us-east-1`. */
  region?: string;
  /** The URL of the service, where that is not Amazon's: in place of the host in the connection's URL. */
  endpoint?: string;
  /** The URL of SNS, for `supportsFanout`. Default: that of SQS, where it has one; else Amazon's own. */
  snsEndpoint?: string;
  /** The URL of STS, for `stsRoleArn`. Default: that of SQS, where it has one; else Amazon's own. */
  stsEndpoint?: string;
  /** Whether the host of the connection's URL is spoken to with TLS. Amazon's own always is. Default false. */
  isSecure?: boolean;
  /** Put before the names of all queues and topics. Default: nothing. */
  queueNamePrefix?: string;
  /**
   * How long a received message stays hidden, in milliseconds, renewed while its process lives: the lease, as `leaseMs`, which it
   * replaces. It is also what queues made here are given for receivers that ask for nothing (default there 1800000, as in Python).
   */
  visibilityTimeoutMs?: number;
  /** How long a receive waits for messages, in milliseconds. 0: it does not, and queues are polled. Default and most: 20000. */
  waitTimeMs?: number;
  /** Queues that exist, by name. With it no queue is looked for, made or deleted, and every other name is NOT_FOUND. */
  predefinedQueues?: Readonly<Record<string, PredefinedQueue>>;
  /** SNS topics that exist, by the name of the fanout exchange. With it no topic is made or deleted. */
  predefinedExchanges?: Readonly<Record<string, PredefinedExchange>>;
  /** Whether fanout exchanges are SNS topics, seen by every process. Wants `@aws-sdk/client-sns`. Default false. */
  supportsFanout?: boolean;
  /** How long a requeued message stays hidden. Default: it is visible at once. */
  backoffPolicy?: SqsBackoffPolicy;
  /** Attributes of queues that are made here, such as `{ MessageRetentionPeriod: 86400 }`. */
  queueAttributes?: Readonly<Record<string, string | number | boolean | object>>;
  /** Tags of queues that are made here. */
  queueTags?: Readonly<Record<string, string>>;
  /** Whether messages are written as base64, as Python does and expects before 5.1; else as plain JSON. Both are read. Default true. */
  base64Encoding?: boolean;
  /** A role to take on. Wants `@aws-sdk/client-sts`. Default: none. */
  stsRoleArn?: string;
  /** How long the keys of the role are good for, in milliseconds; they are renewed in time. Default and least: 900000. */
  stsTokenTimeoutMs?: number;
  /** Settings of the SDK's clients, over those that are made here. */
  clientConfig?: SQSClientConfig;
}

/** Kinds, defaults and descriptions of {@link SqsOptions}. */
export const sqsOptionSpecs: OptionSpecs<SqsOptions> = {
  region: { kind: 'string', doc: "The region; default: the environment's or the profile's, else `us-east-1`." },
  endpoint: { kind: 'string', doc: "URL of the service, in place of the host in the connection's URL." },
  snsEndpoint: { kind: 'string', doc: 'URL of SNS, where it is not that of SQS.' },
  stsEndpoint: { kind: 'string', doc: 'URL of STS, where it is not that of SQS.' },
  isSecure: { kind: 'boolean', default: false, doc: "Whether the host of the connection's URL is spoken to with TLS." },
  queueNamePrefix: { kind: 'string', default: '', doc: 'Put before the names of all queues and topics.' },
  visibilityTimeoutMs: {
    kind: 'duration',
    min: 1000,
    max: 43_200_000,
    doc: 'In place of `leaseMs`; queues made here are given it, too (else 1800000).',
  },
  waitTimeMs: {
    kind: 'duration',
    default: 20_000,
    min: 0,
    max: 20_000,
    kombuName: 'wait_time_seconds',
    doc: 'How long a receive waits for messages; 0: queues are polled.',
  },
  predefinedQueues: { kind: 'object', doc: 'Queues that exist, by name: none is looked for, made or deleted.' },
  predefinedExchanges: { kind: 'object', doc: 'SNS topics that exist, by the name of the fanout exchange.' },
  supportsFanout: { kind: 'boolean', default: false, doc: 'Whether fanout exchanges are SNS topics.' },
  backoffPolicy: {
    kind: ['object', 'function'],
    doc: 'How long a requeued message stays hidden, by how often it was received; default: not at all.',
  },
  queueAttributes: {
    kind: 'object',
    kombuName: 'sqs-creation-attributes',
    doc: 'Attributes of queues that are made here.',
  },
  queueTags: { kind: 'object', doc: 'Tags of queues that are made here.' },
  base64Encoding: {
    kind: 'boolean',
    default: true,
    kombuName: 'sqs_base64_encoding',
    doc: 'Whether messages are written as base64, as Python does; else as plain JSON. Both are read.',
  },
  stsRoleArn: { kind: 'string', doc: 'A role to take on.' },
  stsTokenTimeoutMs: {
    kind: 'duration',
    default: 900_000,
    min: 900_000,
    max: 43_200_000,
    doc: "How long the role's keys are good for; they are renewed in time.",
  },
  clientConfig: { kind: 'object', kombuName: 'client-config', doc: "Settings of the SDK's clients." },
};
