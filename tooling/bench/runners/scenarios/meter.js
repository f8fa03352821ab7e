import { readFileSync } from 'node:fs';

/** Clock ticks of Linux, in which /proc counts CPU time. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used, as Linux counts them; undefined elsewhere, or where it is not ours to see. */
function processCpu(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/**
 * Starts to measure; the result, called once the last message is settled, gives the time and what it cost on either side per
 * message. Wall-clock time depends on who else is busy on the machine, CPU time hardly does.
 */
export function startMeter(adapter, { brokerPid }) {
  const calls = adapter.calls?.();
  const broker = brokerPid === undefined ? undefined : processCpu(brokerPid);
  const cpu = process.cpuUsage();
  const started = performance.now();
  return (messages) => {
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const brokerNow = broker === undefined ? undefined : processCpu(brokerPid);
    return {
      messages,
      seconds,
      clientCpu: (user + system) / messages,
      ...(brokerNow !== undefined && { brokerCpu: ((brokerNow - broker) * 1e6) / messages }),
      ...(calls !== undefined && { calls: ((adapter.calls() - calls) * 1000) / messages }),
    };
  };
}

/** Percent of a core that this process and the broker use while `wait` lasts. */
export async function cpuShare(wait, { brokerPid }) {
  const broker = brokerPid === undefined ? undefined : processCpu(brokerPid);
  const cpu = process.cpuUsage();
  const started = performance.now();
  await wait();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const brokerNow = broker === undefined ? undefined : processCpu(brokerPid);
  return {
    idleCpu: ((user + system) / 1e6 / seconds) * 100,
    ...(brokerNow !== undefined && { brokerIdleCpu: ((brokerNow - broker) / seconds) * 100 }),
  };
}
