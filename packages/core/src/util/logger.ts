/** Where the library writes what it has to say. `console` is one. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

const nothing = (): void => {};

/** The default: says nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** A logger that writes to stderr everything from `level` (default `info`) upwards. */
export function consoleLogger(level: (typeof LEVELS)[number] = 'info'): Logger {
  const from = LEVELS.indexOf(level);
  const at = (name: (typeof LEVELS)[number]) =>
    LEVELS.indexOf(name) < from
      ? nothing
      : (message: string, ...details: unknown[]) => console.error(`[kombu] ${name}: ${message}`, ...details);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
