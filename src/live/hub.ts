import type { Logger } from 'pino'
import { onExpiry } from '../auth/expiry.ts'
import { Refusal } from '../refusal.ts'
import { type Stream, stream } from '../stream.ts'
import type { Viewer } from '../viewer.ts'
import { ALERTS, type AlertStep } from './alertStore.ts'
import { CHANGES, type Change } from './changeStore.ts'
import { type Progress, readEvents, readProgress, type SimulationEvent } from './eventStore.ts'
import { Listener } from './listener.ts'
import { type ReadAs, TenantFeeds } from './tenantFeeds.ts'
import { Topic } from './topic.ts'

/** How often simulations that somebody watches are read without a hint: NOTIFY promises no delivery over a reconnect. */
const POLL_MS = 5_000

/** A simulation of one tenant that somebody here watches. */
interface Watched {
  opening: Promise<SimulationTopic>
  subscribers: number
}

type SimulationTopic = Topic<Progress, SimulationEvent>

/** A hint of no simulation is one of the tenants' alerts. */
const OF_ALERTS = '00000000-0000-0000-0000-000000000000'
/** One of what nobody watches: something else than outcomes was stored that wants a vector. */
const OF_EMBEDDING = '00000000-0000-0000-0000-000000000001'

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

/** Nothing follows for now: it has ended, or was deleted. */
const isOver = (state: Progress & Partial<SimulationEvent>) =>
  ENDED.has(state.status) || state.kind === 'DELETED'

/**
 * Brings the steps of simulations to their subscribers. The table simulation_events is the truth; NOTIFY only says
 * that there is something to read.
 */
export class LiveHub {
  readonly #readAs: ReadAs
  readonly #logger: Logger
  readonly #listener: Listener
  readonly #watched = new Map<string, Watched>()
  readonly #changes: TenantFeeds<Change>
  readonly #alerts: TenantFeeds<AlertStep>
  /** Simulation ids are unique per tenant only: one hint may mean the simulations of two. */
  readonly #keysBySimulation = new Map<string, Set<string>>()
  #poll: NodeJS.Timeout | undefined

  /** `onHint`: hears whenever anything was stored, by any server. */
  constructor(
    readAs: ReadAs,
    connectionString: string,
    logger: Logger,
    patienceMs: number,
    onHint: () => void = () => {},
  ) {
    this.#readAs = readAs
    this.#changes = new TenantFeeds(CHANGES, readAs)
    this.#alerts = new TenantFeeds(ALERTS, readAs)
    this.#logger = logger
    this.#listener = new Listener(
      connectionString,
      {
        onHint: (simulationId, seq) => {
          onHint()
          if (simulationId !== OF_EMBEDDING) this.#hint(simulationId, seq)
        },
        onListening: () => this.#refreshAll(),
      },
      logger,
      patienceMs,
    )
  }

  get listening(): boolean {
    return this.#listener.listening
  }

  /** How far this process is behind the event log, in milliseconds; null where that is not known: see Listener. */
  lagMs(): Promise<number | null> {
    return this.#listener.lagMs()
  }

  /** How many simulations somebody watches. */
  get watchedCount(): number {
    return this.#watched.size
  }

  async start(): Promise<void> {
    await this.#listener.start()
    this.#poll = setInterval(() => this.#refreshAll(), POLL_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll)
    this.#changes.stop()
    this.#alerts.stop()
    await this.#listener.stop()
  }

  /**
   * Where the simulation stands now, and then wherever it stands when the subscriber is ready for more: a slow one
   * skips, it never queues. Ends with the simulation, and when it is deleted.
   *
   * @throws Refusal SIMULATION_NOT_FOUND; later UNAUTHENTICATED when the token ends.
   */
  async progress(viewer: Viewer, simulationId: string): Promise<Stream<Progress>> {
    const { topic, leave } = await this.#join(viewer, simulationId)
    return untilExpiry(viewer, leave, async function* (left) {
      let shown = -1
      while (!left.aborted) {
        const { latest } = topic
        if (latest.seq > shown) {
          shown = latest.seq
          yield latest
        }
        if (isOver(latest)) return
        await topic.changedSince(shown, left)
      }
    })
  }

  /**
   * Every event after `afterSeq`, once and in order; ends with the simulation's last.
   *
   * @throws Refusal SIMULATION_NOT_FOUND; later UNAUTHENTICATED when the token ends.
   */
  async events(viewer: Viewer, simulationId: string, afterSeq: number): Promise<Stream<SimulationEvent>> {
    const { topic, leave } = await this.#join(viewer, simulationId)
    return untilExpiry(viewer, leave, async function* (left) {
      let seq = afterSeq
      while (!left.aborted) {
        const events = await topic.eventsAfter(seq)
        for (const event of events) {
          if (left.aborted) return
          seq = event.seq
          yield event
        }
        if (events.length === 0) {
          if (isOver(topic.latest) && seq >= topic.latest.seq) return
          await topic.changedSince(seq, left)
        }
      }
    })
  }

  /**
   * Every step of all simulations of the viewer's tenant after the change of that number, once and in order; those from now
   * on when it is null. Ends with the viewer's token.
   *
   * @throws Refusal INVALID_VALUE for a number that is yet to come; later UNAUTHENTICATED when the token ends.
   */
  changes(viewer: Viewer, after: number | null): Promise<Stream<Change>> {
    return follow(this.#changes, viewer, after)
  }

  /** The same of the tenant's alerts, as they fire and end. */
  alerts(viewer: Viewer, after: number | null): Promise<Stream<AlertStep>> {
    return follow(this.#alerts, viewer, after)
  }

  async #join(viewer: Viewer, simulationId: string): Promise<{ topic: SimulationTopic; leave: () => void }> {
    const key = `${viewer.tenantId}/${simulationId}`
    const known = this.#watched.get(key)
    const watched = known ?? this.#watch(key, viewer, simulationId)
    // Counted before anything is awaited: the last of the others may leave meanwhile.
    watched.subscribers += 1
    const leave = () => {
      watched.subscribers -= 1
      if (watched.subscribers === 0) this.#forget(key, simulationId)
    }
    try {
      const topic = await watched.opening
      // Where it stands now, not where it stood at the last hint that came through.
      if (known) await topic.refresh()
      if ('kind' in topic.latest && topic.latest.kind === 'DELETED') throw noSimulation(simulationId)
      return { topic, leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  #watch(key: string, viewer: Viewer, simulationId: string): Watched {
    const watched = { opening: this.#open(viewer, simulationId), subscribers: 0 }
    this.#watched.set(key, watched)
    const keys = this.#keysBySimulation.get(simulationId) ?? new Set()
    this.#keysBySimulation.set(simulationId, keys.add(key))
    return watched
  }

  #forget(key: string, simulationId: string): void {
    this.#watched.delete(key)
    const keys = this.#keysBySimulation.get(simulationId)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysBySimulation.delete(simulationId)
  }

  async #open(viewer: Viewer, simulationId: string): Promise<SimulationTopic> {
    // Whoever subscribes first, the log is read with no more rights than any subscriber has.
    const reader: Viewer = { ...viewer, role: 'app_readonly' }
    const latest = await this.#readAs(reader, (transaction) => readProgress(transaction, simulationId))
    if (!latest) throw noSimulation(simulationId)
    return new Topic(
      (afterSeq, limit) =>
        this.#readAs(reader, (transaction) => readEvents(transaction, simulationId, afterSeq, limit)),
      latest,
    )
  }

  #hint(simulationId: string, seq: number): void {
    const feeds = simulationId === OF_ALERTS ? this.#alerts : this.#changes
    feeds.hint((topic) => this.#refresh(topic))
    for (const key of this.#keysBySimulation.get(simulationId) ?? []) {
      void this.#watched.get(key)?.opening.then((topic) => {
        if (topic.latest.seq < seq) this.#refresh(topic)
      }, ignore)
    }
  }

  #refreshAll(): void {
    for (const { opening } of this.#watched.values())
      void opening.then((topic) => this.#refresh(topic), ignore)
    for (const feeds of [this.#changes, this.#alerts]) feeds.refresh((topic) => this.#refresh(topic))
  }

  #refresh(topic: { refresh(): Promise<void> }): void {
    topic
      .refresh()
      .catch((error: Error) =>
        this.#logger.warn({ err: error }, 'events could not be read; the next poll retries'),
      )
  }
}

function noSimulation(simulationId: string): Refusal {
  return new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
}

/** The one who opened the topic is told of the error. */
function ignore(): void {}

/** Each of a tenant's log after the number, once and in order. @throws Refusal INVALID_VALUE, later UNAUTHENTICATED */
async function follow<Item extends { seq: number }>(
  feeds: TenantFeeds<Item>,
  viewer: Viewer,
  after: number | null,
): Promise<Stream<Item>> {
  const { topic, from, leave } = await feeds.join(viewer, after)
  return untilExpiry(viewer, leave, async function* (left) {
    let seq = from
    while (!left.aborted) {
      const items = await topic.eventsAfter(seq)
      for (const item of items) {
        if (left.aborted) return
        seq = item.seq
        yield item
      }
      if (items.length === 0) await topic.changedSince(seq, left)
    }
  })
}

/** Ends a stream with its token: the subscriber hears why, and its place in the topic is given back either way. */
function untilExpiry<Item>(
  viewer: Viewer,
  leave: () => void,
  generate: (ended: AbortSignal) => AsyncGenerator<Item, void>,
): Stream<Item> {
  const items = stream(generate, () => {
    stopWatching()
    leave()
  })
  const stopWatching = onExpiry(viewer, (reason) =>
    items.breakOff(new Refusal('UNAUTHENTICATED', `${reason} Subscribe again with a new one.`)),
  )
  return items
}
