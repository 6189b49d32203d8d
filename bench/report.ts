import type { AnalyticsResult } from './analytics.ts'
import type { Memory } from './arcServer.ts'
import { median } from './figures.ts'
import { BATCH, CLIENTS, type IngestResult } from './ingest.ts'
import { type LiveResult, SUBSCRIBERS } from './live.ts'
import type { ManyKeysResult } from './manyKeys.ts'
import type { Profile } from './profile.ts'
import { type CallersResult, READERS, type ReadResult } from './reads.ts'
import { type SoakResult, thirds, VISITORS } from './soak.ts'
import type { StatementTimes } from './statements.ts'

/** Of COPY over one connection, on native PostgreSQL. */
const INGEST_TARGET = 0.5
/** Of a progress event to all subscribers, on native PostgreSQL. */
const P99_TARGET_MS = 100
/** Of a question's latency, from 100 thousand outcomes a year to 5 million. */
const HISTORY_TARGET = 1.5
/** Of memory, from the first third of a soak to its last. */
const GROWTH_TARGET = 1.1

/** Where the server's time went while it did `units` of something. */
export interface UnitProfile {
  /** What the server did, and what it is counted in. */
  work: string
  unit: string
  units: number
  profile: Profile
  /** Null where the database keeps no statistics. */
  database: StatementTimes | null
}

/** What starting a server takes, on a database that is migrated. */
export interface StartResult {
  /** From the start of its process to its first answer. */
  startMs: number
  atRest: Memory
  afterReads: Memory | undefined
}

export interface BenchResult {
  database: string
  /** The targets are for a server of its own, not for the embedded database. */
  embedded: boolean
  node: string
  processors: number
  /** Undefined, and the lists empty, for what was not asked for. */
  ingest: IngestResult | undefined
  reads: ReadResult[]
  callers: CallersResult[]
  starting: StartResult | undefined
  live: LiveResult[]
  keys: ManyKeysResult | undefined
  analytics: AnalyticsResult | undefined
  soak: SoakResult | undefined
  profiles: UnitProfile[]
}

export function printReport(result: BenchResult): void {
  const { database, node, processors } = result
  console.log(
    `\nArc on ${database}, Node ${node}, ${processors} processors; load and servers share this machine.`,
  )
  if (result.ingest) printIngest(result.ingest, result.embedded)
  if (result.reads.length > 0) printReads(result.reads)
  for (const callers of result.callers) printCallers(callers)
  if (result.starting) printStart(result.starting)
  if (result.live.length > 0) printLive(result.live, result.embedded)
  if (result.keys) printKeys(result.keys)
  if (result.analytics) printAnalytics(result.analytics)
  if (result.soak) printSoak(result.soak)
  for (const profile of result.profiles) printProfile(profile)
}

function printIngest(ingest: IngestResult, embedded: boolean): void {
  const { rows, trajectoryBytes, apart, together, copyOne, copyEach } = ingest
  console.log(
    `\nIngest: ${rows} rows a run, trajectories of ${Math.round(trajectoryBytes)} bytes, medians of ${apart.length} runs in alternation`,
  )
  const floor = median(copyOne)
  const line = (name: string, figures: number[], target: string) => [
    name,
    count(median(figures)),
    range(figures),
    (median(figures) / floor).toFixed(2),
    target,
  ]
  printTable(
    ['', 'rows/s', 'runs', 'ratio to COPY', 'target'],
    [
      line('COPY, 1 connection (the floor)', copyOne, ''),
      line(`COPY, ${CLIENTS} connections`, copyEach, ''),
      line(
        `recordOutcomes, ${CLIENTS} clients × ${BATCH} rows, ${CLIENTS} simulations`,
        apart,
        verdict(embedded, median(apart) / floor >= INGEST_TARGET, `≥ ${INGEST_TARGET}`),
      ),
      line(`recordOutcomes, ${CLIENTS} clients × ${BATCH} rows, 1 simulation`, together, ''),
    ],
  )
}

function printReads(reads: readonly ReadResult[]): void {
  console.log(
    `\nReads: ${READERS} clients; bare is one hand-written statement on the tables behind node:http, equal answers`,
  )
  printTable(
    ['', 'answer', 'Arc req/s', 'p50', 'p95', 'bare req/s', 'p50', 'p95', 'ratio', 'by resolvers'],
    reads.map(({ description, answerBytes, arc, bare, ordinary }) => [
      description,
      `${(answerBytes / 1_000).toFixed(1)} kB`,
      ...[arc, bare].flatMap((speeds) => [
        count(median(speeds.map(({ requestsPerSecond }) => requestsPerSecond))),
        ms(median(speeds.map(({ p50Ms }) => p50Ms))),
        ms(median(speeds.map(({ p95Ms }) => p95Ms))),
      ]),
      ratioOf(arc, bare).toFixed(3),
      ordinary.length > 0 ? ratioOf(ordinary, bare).toFixed(3) : '',
    ]),
  )
}

function printKeys({ outcomes, queries }: ManyKeysResult): void {
  console.log(`\n${count(outcomes)} outcomes of one tenant: ${READERS} clients`)
  printTable(
    ['', 'Arc req/s', 'p50', 'p95', 'bare req/s', 'p50', 'p95', 'ratio'],
    queries.map(({ description, arc, bare }) => [
      description,
      ...[arc, bare].flatMap((speeds) => [
        count(median(speeds.map(({ requestsPerSecond }) => requestsPerSecond))),
        ms(median(speeds.map(({ p50Ms }) => p50Ms))),
        ms(median(speeds.map(({ p95Ms }) => p95Ms))),
      ]),
      ratioOf(arc, bare).toFixed(3),
    ]),
  )
}

function printCallers({ description, clients }: CallersResult): void {
  console.log(`\n${description}, by the number of clients`)
  printTable(
    ['clients', 'Arc req/s', 'p50', 'p95', 'bare req/s', 'p50', 'p95', 'ratio'],
    clients.map(({ count: callers, arc, bare }) => [
      String(callers),
      ...[arc, bare].flatMap(({ requestsPerSecond, p50Ms, p95Ms }) => [
        count(requestsPerSecond),
        ms(p50Ms),
        ms(p95Ms),
      ]),
      (arc.requestsPerSecond / bare.requestsPerSecond).toFixed(3),
    ]),
  )
}

function printStart({ startMs, atRest, afterReads }: StartResult): void {
  const memory = ({ heapMb, residentMb }: Memory) =>
    `${heapMb.toFixed(0)} MB of heap, ${residentMb.toFixed(0)} MB resident`
  console.log(
    `\nA server on a migrated database answers after ${(startMs / 1_000).toFixed(1)} s: ${memory(atRest)}${
      afterReads ? `; after the reads: ${memory(afterReads)}` : ''
    }`,
  )
}

function ratioOf(arc: ReadResult['arc'], bare: ReadResult['bare']): number {
  const speed = (speeds: ReadResult['arc']) =>
    median(speeds.map(({ requestsPerSecond }) => requestsPerSecond))
  return speed(arc) / speed(bare)
}

function printLive(live: readonly LiveResult[], embedded: boolean): void {
  console.log(
    `\nLive: ${SUBSCRIBERS} subscribers on sockets of their own; latency since the database wrote the event`,
  )
  printTable(
    [
      '',
      'batches/s',
      'delivered',
      'p50',
      'p95',
      'p99',
      'max',
      'lost',
      'disordered',
      'skipped',
      'p99 since answer',
      'p99 since sent',
      'target',
    ],
    live.map((phase) => [
      phase.subscription,
      phase.batchesPerSecond.toFixed(1),
      String(phase.delivered),
      ms(phase.sinceWritten.p50Ms),
      ms(phase.sinceWritten.p95Ms),
      ms(phase.sinceWritten.p99Ms),
      ms(phase.sinceWritten.maxMs),
      String(phase.lost),
      String(phase.disordered),
      phase.subscription === 'simulationProgress' ? String(phase.skipped) : '',
      ms(phase.sinceAnswered.p99Ms),
      ms(phase.sinceSent.p99Ms),
      verdict(
        embedded,
        phase.sinceWritten.p99Ms < P99_TARGET_MS && phase.lost === 0 && phase.disordered === 0,
        `p99 < ${P99_TARGET_MS} ms, none lost`,
      ),
    ]),
  )
}

function printSoak(soak: SoakResult): void {
  const { visits, samples } = soak
  console.log(
    `\nSoak: ${visits} visits by ${VISITORS} at a time, each of a tenant that was never there; ${samples.length} samples, after a collection each`,
  )
  const line = (name: string, figure: Parameters<typeof thirds>[1]) => {
    const { first, last } = thirds(soak, figure)
    const growth = last / first
    return [
      name,
      mb(first),
      mb(last),
      growth.toFixed(3),
      verdict(false, growth <= GROWTH_TARGET, `levels off (≤ ${GROWTH_TARGET})`),
    ]
  }
  printTable(
    ['', 'first third', 'last third', 'ratio', 'target'],
    [line('heap', 'heapMb'), line('outside of the heap', 'externalMb'), line('resident', 'residentMb')],
  )
}

function printProfile({ work, unit, units, profile, database }: UnitProfile): void {
  const perUnit = (value: number) => (value / units).toFixed(3)
  const busyMs = profile.areas.reduce((sum, { selfMs }) => sum + selfMs, 0)
  console.log(`\nWhere the time goes: ${work} (${units} × ${unit}; the profiler slows them down)`)
  console.log(
    `  Each ${unit}: ${perUnit(busyMs)} ms on the main thread (${percent(busyMs / profile.wallMs)} busy), ${perUnit(profile.cpuMs)} ms processor time with helper threads, ${(profile.statements / units).toFixed(1)} statements`,
  )
  if (database) {
    console.log(
      `  The database: ${perUnit(database.executionMs)} ms executing and ${perUnit(database.planMs)} ms planning for each ${unit}`,
    )
  }
  printTable(
    ['main thread, self time', 'share', `ms/${unit}`],
    profile.areas
      .filter(({ selfMs }) => selfMs / busyMs >= 0.005)
      .map(({ area, selfMs }) => [area, percent(selfMs / busyMs), perUnit(selfMs)]),
  )
}

function verdict(embedded: boolean, met: boolean, target: string): string {
  return embedded ? `${target}: not for PGlite` : `${target}: ${met ? 'met' : 'NOT MET'}`
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    )
    console.log(`  ${cells.join('  ')}`)
  }
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function mb(value: number): string {
  return `${value.toFixed(1)} MB`
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function range(figures: readonly number[]): string {
  return `${count(Math.min(...figures))}–${count(Math.max(...figures))}`
}

function printAnalytics({ outcomes: [few, many], rollUpSeconds, questions }: AnalyticsResult): void {
  const [fewer, more] = [few, many].map((outcomes) => outcomes.toLocaleString('en'))
  console.log(
    `\nQuestions over time, ${fewer} against ${more} outcomes of a year (summed up in ${rollUpSeconds.toFixed(0)} s)`,
  )
  for (const { description, few, many, statementMs, outcomesMs } of questions) {
    const ratio = many.p50 / few.p50
    console.log(
      `  ${description}: p50 ${few.p50.toFixed(1)} and ${many.p50.toFixed(1)} ms, ratio ${ratio.toFixed(2)} (target ${HISTORY_TARGET}), p95 ${many.p95.toFixed(1)} ms;` +
        ` by hand from the sums ${statementMs.toFixed(1)} ms, from the outcomes ${outcomesMs.toFixed(0)} ms`,
    )
  }
}
