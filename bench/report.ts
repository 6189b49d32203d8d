import type { AnalyticsResult } from './analytics.ts'
import type { EmbeddingIngestResult } from './embeddingIngest.ts'
import { median, quantile } from './figures.ts'
import type { GroupingFigures, GroupingResult } from './grouping.ts'
import { BATCH, CLIENTS, type IngestResult } from './ingest.ts'
import { type LiveResult, SUBSCRIBERS } from './live.ts'
import type { ManyKeysResult } from './manyKeys.ts'
import type { Memory } from './memory.ts'
import type { Profile } from './profile.ts'
import { type CallersResult, READERS, type ReadResult } from './reads.ts'
import type { RetrievalResult } from './retrieval.ts'
import { SANDBOXES, type SinglesResult } from './singles.ts'
import { type SoakResult, thirds, VISITORS } from './soak.ts'
import type { SocketFigures, SocketsResult } from './sockets.ts'
import type { StatementTimes } from './statements.ts'
import type { StorageResult } from './storage.ts'
import type { VectorsResult } from './vectors.ts'

/** Of COPY over one connection, on native PostgreSQL. */
const INGEST_TARGET = 0.5
const EMBEDDING_TARGET = 0.9
/** Of a progress event to all subscribers, on native PostgreSQL. */
const P99_TARGET_MS = 100
/** Of a question's latency, from 100 thousand outcomes a year to 5 million. */
const HISTORY_TARGET = 1.5
/** Of memory, from the first third of a soak to its last. */
const GROWTH_TARGET = 1.1
/** Of old outcomes' narrow columns with their indexes, and of their trajectories, from what came to what is packed. */
const PACKED_TARGETS = { outcomes: 8, trajectories: 1.5 }

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

/** What the server took when a part had ended. */
export interface MemoryAfter extends Memory {
  part: string
}

export interface BenchResult {
  database: string
  /** The targets are for a server of its own, not for the embedded database. */
  embedded: boolean
  node: string
  processors: number
  /** Undefined, and the lists empty, for what was not asked for. */
  ingest: IngestResult | undefined
  embedding: EmbeddingIngestResult | undefined
  reads: ReadResult[]
  callers: CallersResult[]
  starting: StartResult | undefined
  live: LiveResult[]
  singles: SinglesResult | undefined
  sockets: SocketsResult | undefined
  storage: StorageResult | undefined
  keys: ManyKeysResult | undefined
  analytics: AnalyticsResult | undefined
  soak: SoakResult | undefined
  retrieval: RetrievalResult | undefined
  vectors: VectorsResult | undefined
  grouping: GroupingResult | undefined
  memory: MemoryAfter[]
  profiles: UnitProfile[]
}

export function printReport(result: BenchResult): void {
  const { database, node, processors } = result
  console.log(
    `\nArc on ${database}, Node ${node}, ${processors} processors; load and servers share this machine.`,
  )
  if (result.ingest) printIngest(result.ingest, result.embedded)
  if (result.embedding) printEmbedding(result.embedding)
  if (result.reads.length > 0) printReads(result.reads)
  for (const callers of result.callers) printCallers(callers)
  if (result.starting) printStart(result.starting)
  if (result.live.length > 0) printLive(result.live, result.embedded)
  if (result.singles) printSingles(result.singles)
  if (result.sockets) printSockets(result.sockets)
  if (result.storage) printStorage(result.storage)
  if (result.keys) printKeys(result.keys)
  if (result.analytics) printAnalytics(result.analytics)
  if (result.soak) printSoak(result.soak)
  if (result.retrieval) printRetrieval(result.retrieval)
  if (result.vectors) printVectors(result.vectors)
  if (result.grouping) printGrouping(result.grouping)
  printMemory(result.memory)
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

function printEmbedding({ without, beside, made, seconds, waiting }: EmbeddingIngestResult): void {
  const ratio = median(beside.map((rate, round) => rate / without[round]!))
  console.log(
    `\nIngest beside embeddings: ${count(made)} made in ${seconds.toFixed(0)} s of ingestion, ${count(waiting)} waited at the end; medians of ${beside.length} runs in alternation, the ratio’s of each beside the one before`,
  )
  printTable(
    ['', 'rows/s', 'runs', 'ratio', 'target'],
    [
      ['without', count(median(without)), range(without), '', ''],
      [
        'while they are queued and made',
        count(median(beside)),
        range(beside),
        ratio.toFixed(2),
        verdict(false, ratio >= EMBEDDING_TARGET, `≥ ${EMBEDDING_TARGET}`),
      ],
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

function printSingles({ rows, singles, batches, p50Ms, p99Ms }: SinglesResult): void {
  console.log(
    `\nSingle outcomes: ${SANDBOXES} sandboxes at once, ${rows} rows a run, medians of ${singles.length} runs in alternation`,
  )
  const floor = median(batches)
  printTable(
    ['', 'rows/s', 'runs', 'ratio to batches', 'p50 of an answer', 'p99'],
    [
      [
        `recordOutcomes, ${CLIENTS} clients × ${BATCH} rows (the floor)`,
        count(floor),
        range(batches),
        '',
        '',
        '',
      ],
      [
        `recordOutcome, ${SANDBOXES} at a time`,
        count(median(singles)),
        range(singles),
        (median(singles) / floor).toFixed(2),
        ms(p50Ms),
        ms(p99Ms),
      ],
    ],
  )
}

function printSockets({ sockets, events, arc, bare }: SocketsResult): void {
  console.log(
    `\n${count(sockets)} sockets that follow, ${events} events to all; bare is the same library with one text and nothing around it`,
  )
  const kb = (figure: keyof Memory, { before, open }: SocketFigures) =>
    `${((1_000 * (open[figure] - before[figure])) / sockets).toFixed(1)} kB`
  const line = (name: string, figures: SocketFigures) => [
    name,
    count(figures.opensPerSecond),
    ms(figures.p50Ms),
    ms(figures.p99Ms),
    String(figures.lost),
    kb('heapMb', figures),
    kb('residentMb', figures),
    `${mb(figures.before.heapMb)} → ${mb(figures.open.heapMb)} → ${mb(figures.after.heapMb)}`,
  ]
  printTable(
    [
      '',
      'opened/s',
      'p50 since sent',
      'p99',
      'lost',
      'heap a socket',
      'resident a socket',
      'heap before → open → after',
    ],
    [
      line('Arc', arc),
      line('bare (the floor)', bare),
      ['ratio of p99', '', '', (arc.p99Ms / bare.p99Ms).toFixed(2), '', '', '', ''],
    ],
  )
}

function printStorage({ rows, sizes, lateUnpacked, latePacked }: StorageResult): void {
  const isPacked = latePacked.length > 0
  console.log(
    `\nStorage: ${count(rows)} outcomes of five to eight weeks ago, with indexes${
      isPacked ? '' : '; packing needs the full edition of TimescaleDB, which this is not'
    }`,
  )
  printTable(
    ['', 'as it came', 'packed', 'ratio', 'target'],
    sizes.map(({ table, rawBytes, packedBytes }) => {
      const target = PACKED_TARGETS[table]
      if (packedBytes === undefined) return [table, mb(rawBytes / 1e6), '', '', '']
      const ratio = rawBytes / packedBytes
      return [
        table,
        mb(rawBytes / 1e6),
        mb(packedBytes / 1e6),
        `${ratio.toFixed(1)} : 1`,
        verdict(false, ratio >= target, `≥ ${target} : 1`),
      ]
    }),
  )
  printTable(
    ['late outcomes', 'rows/s', 'runs', 'ratio'],
    [
      ['into chunks that are not packed (the floor)', count(median(lateUnpacked)), range(lateUnpacked), ''],
      ...(isPacked
        ? [
            [
              'into packed chunks',
              count(median(latePacked)),
              range(latePacked),
              (median(latePacked) / median(lateUnpacked)).toFixed(2),
            ],
          ]
        : []),
    ],
  )
}

function printMemory(memory: readonly MemoryAfter[]): void {
  console.log('\nMemory of the server after each part and a collection; the peak is of all until then')
  printTable(
    ['', 'heap', 'outside of the heap', 'resident', 'peak resident'],
    memory.map(({ part, heapMb, externalMb, residentMb, peakMb }) => [
      part,
      mb(heapMb),
      mb(externalMb),
      mb(residentMb),
      mb(peakMb),
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

function printRetrieval({ texts, causes, textsPerSecond, modelMb, figures }: RetrievalResult): void {
  console.log(`\nSimilar failures: ${texts} texts of ${causes} causes, each asked for those of its own cause`)
  printTable(
    ['', 'recall@3', 'MAP'],
    Object.entries(figures).map(([name, { recallAt3, map }]) => [name, recallAt3.toFixed(3), map.toFixed(3)]),
  )
  console.log(`The embedded model: ${textsPerSecond.toFixed(1)} texts/s, ${modelMb.toFixed(0)} MB`)
}

function printVectors({ rows, indexSeconds }: VectorsResult): void {
  console.log('\nSimilar failures: the ten nearest among so many vectors, one question after the other')
  const latency = ({ p50Ms, p95Ms, p99Ms }: VectorsResult['rows'][0]['http']) =>
    [p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(1)).join(' / ')
  printTable(
    ['', 'method', 'recall@10', 'HTTP p50 / p95 / p99 ms', 'database', 'written by hand'],
    rows.map(({ what, method, recall, http, database, bare }) => [
      what,
      method,
      recall.toFixed(4),
      latency(http),
      latency(database),
      latency(bare),
    ]),
  )
  console.log(`The index of the most was made in ${indexSeconds.toFixed(0)} s.`)
}

function printGrouping({ figures, heldBack }: GroupingResult): void {
  console.log('\nFailure groups by meaning: pairs of the same failures, by the embedded model')
  printTable(
    [
      'pairs from',
      'means from',
      'F1',
      'adjusted Rand',
      'precision',
      'recall',
      'groups',
      'largest',
      'of one cause',
    ],
    figures.map((each) => [
      each.leastSimilarity.toFixed(2),
      each.leastMean.toFixed(2),
      each.f1.toFixed(3),
      each.adjustedRand.toFixed(3),
      each.precision.toFixed(3),
      each.recall.toFixed(3),
      String(each.groups),
      String(each.largest),
      percent(each.purity),
    ]),
  )
  console.log(
    `Told by causes that were held back, half of them in ${heldBack.length} ways; quarters of the ways lie outside of what is in brackets`,
  )
  const middle = (of: (figures: GroupingFigures) => number, which: 'chosen' | 'own') => {
    const values = heldBack.map((split) => of(split[which]))
    return `${median(values).toFixed(3)} (${quantile(values, 0.25).toFixed(3)}–${quantile(values, 0.75).toFixed(3)})`
  }
  printTable(
    ['', 'F1', 'adjusted Rand', 'precision', 'recall'],
    (['chosen', 'own'] as const).map((which) => [
      which === 'chosen' ? 'thresholds chosen on the other half' : 'Arc’s own thresholds',
      middle(({ f1 }) => f1, which),
      middle(({ adjustedRand }) => adjustedRand, which),
      middle(({ precision }) => precision, which),
      middle(({ recall }) => recall, which),
    ]),
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
