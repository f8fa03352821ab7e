import type { OptionSpec } from '@kombu/core';

/**
 * Parameters of a MongoDB URL that are handed to the driver as they are, under MongoDB's own names. Also taken as transport
 * options, numbers as numbers or as text. https://www.mongodb.com/docs/manual/reference/connection-string-options/
 */
export interface DriverParameters {
  /** The replica set to connect to. */
  replicaSet?: string;
  /** The database that the user is defined in. Default: that of the URL, else `admin`. */
  authSource?: string;
  authMechanism?: string;
  authMechanismProperties?: string;
  /** Talk to the one host of the URL only, whatever replica set it is in. */
  directConnection?: boolean;
  loadBalanced?: boolean;
  appName?: string;
  /** Taken for URLs that have it: messages and routing are read from the primary always. */
  readPreference?: string;
  readConcernLevel?: string;
  /** How many members have to have a write before it is answered, or `majority`. */
  w?: string | number;
  wtimeoutMS?: string | number;
  /** Whether a write has to be in the journal before it is answered. */
  journal?: boolean;
  retryWrites?: boolean;
  retryReads?: boolean;
  compressors?: string;
  zlibCompressionLevel?: string | number;
  maxPoolSize?: string | number;
  minPoolSize?: string | number;
  maxIdleTimeMS?: string | number;
  waitQueueTimeoutMS?: string | number;
  socketTimeoutMS?: string | number;
  connectTimeoutMS?: string | number;
  serverSelectionTimeoutMS?: string | number;
  heartbeatFrequencyMS?: string | number;
  localThresholdMS?: string | number;
  maxStalenessSeconds?: string | number;
  tlsCAFile?: string;
  tlsCertificateKeyFile?: string;
  tlsCertificateKeyFilePassword?: string;
  tlsAllowInvalidCertificates?: boolean;
  tlsAllowInvalidHostnames?: boolean;
  tlsInsecure?: boolean;
  srvServiceName?: string;
  srvMaxHosts?: string | number;
}

const text = (name: string, doc: string): OptionSpec<string> => ({ kind: 'string', kombuName: name, doc });
const number = (name: string, min: number, doc: string): OptionSpec<string | number> => {
  return { kind: ['integer', 'string'], min, kombuName: name, doc };
};
const flag = (name: string, doc: string): OptionSpec<boolean> => ({ kind: 'boolean', kombuName: name, doc });

/** Kinds and descriptions of {@link DriverParameters}. */
export const driverParameterSpecs: {
  readonly [K in keyof DriverParameters]-?: OptionSpec<NonNullable<DriverParameters[K]>>;
} = {
  replicaSet: text('replicaSet', 'The replica set to connect to.'),
  authSource: text('authSource', 'The database that the user is defined in.'),
  authMechanism: text('authMechanism', 'How to log in, such as `SCRAM-SHA-256`.'),
  authMechanismProperties: text('authMechanismProperties', 'Further properties of that.'),
  directConnection: flag('directConnection', 'Talk to the one host of the URL only.'),
  loadBalanced: flag('loadBalanced', 'The host is a load balancer.'),
  appName: text('appName', 'The name that the server logs.'),
  readPreference: text(
    'readPreference',
    'Taken for URLs that have it: messages and routing are always read from the primary.',
  ),
  readConcernLevel: text('readConcernLevel', 'What reads may see, such as `majority`.'),
  w: number('w', 1, 'How many members have to have a write, at least 1, or `majority`.'),
  wtimeoutMS: number('wtimeoutMS', 0, 'How long a write may wait for them.'),
  journal: flag('journal', 'Whether a write has to be in the journal.'),
  retryWrites: flag('retryWrites', 'Whether the driver tries a write once more when a primary steps down.'),
  retryReads: flag('retryReads', 'Whether the driver tries a read once more.'),
  compressors: text('compressors', 'How the link is compressed: `zlib`, `zstd` or `snappy`.'),
  zlibCompressionLevel: number('zlibCompressionLevel', 0, 'From 0 to 9.'),
  maxPoolSize: number('maxPoolSize', 3, 'How many sockets one link may have; at least 3.'),
  minPoolSize: number('minPoolSize', 0, 'How many it keeps.'),
  maxIdleTimeMS: number('maxIdleTimeMS', 0, 'After how long an idle socket is closed.'),
  waitQueueTimeoutMS: number('waitQueueTimeoutMS', 0, 'How long an operation may wait for a socket.'),
  socketTimeoutMS: number('socketTimeoutMS', 0, 'How long a socket may be silent during an operation.'),
  connectTimeoutMS: number('connectTimeoutMS', 0, 'How long opening a socket may take.'),
  serverSelectionTimeoutMS: number('serverSelectionTimeoutMS', 0, 'How long to look for a server that takes writes.'),
  heartbeatFrequencyMS: number('heartbeatFrequencyMS', 500, 'How often servers are asked how they are.'),
  localThresholdMS: number('localThresholdMS', 0, 'How much slower than the nearest a server may be.'),
  maxStalenessSeconds: number('maxStalenessSeconds', -1, 'How far a secondary that is read from may lag behind.'),
  tlsCAFile: text('tlsCAFile', 'The certificate authorities to trust.'),
  tlsCertificateKeyFile: text('tlsCertificateKeyFile', 'Certificate and key of the client.'),
  tlsCertificateKeyFilePassword: text('tlsCertificateKeyFilePassword', 'The password of that key.'),
  tlsAllowInvalidCertificates: flag('tlsAllowInvalidCertificates', 'Trust any certificate.'),
  tlsAllowInvalidHostnames: flag('tlsAllowInvalidHostnames', 'Trust a certificate of another host.'),
  tlsInsecure: flag('tlsInsecure', 'Both of these.'),
  srvServiceName: text('srvServiceName', '`mongodb+srv://`: the service name in DNS.'),
  srvMaxHosts: number('srvMaxHosts', 0, '`mongodb+srv://`: how many hosts are used at most.'),
};
