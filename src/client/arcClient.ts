import { ArcRequestError } from './arcRequestError.ts'
import { type CallOptions, Connection, type ConnectionOptions, type RequestOptions } from './connection.ts'
import { type EnsuredVersion, ensureConfigVersion } from './ensureConfigVersion.ts'
import { KeepAlive, type KeepAliveOptions } from './keepAlive.ts'
import * as operations from './operations.ts'
import { embeddingInput, type OwnEmbedding } from './ownEmbedding.ts'
import { type PageOptions, rowsOf, type TimeRange, timeFilter } from './pages.ts'
import {
  bucketVariables,
  type Performance,
  type PerformanceBuckets,
  type PerformanceGroup,
} from './performance.ts'
import { type BatchLimits, RowBatcher, recordAll } from './rowBatcher.ts'
import {
  type AmendmentReceipt,
  amendmentRows,
  type EmbeddingReceipt,
  embeddingRows,
  type OutcomeReceipt,
  outcomeRows,
  type ScenarioReceipt,
  type ScenarioResult,
  scenarioResultRows,
  scenarioRows,
} from './rowKinds.ts'
import { type SubscribeOptions, subscription } from './subscription.ts'
import type { TypedDocument } from './typedDocument.ts'
import { uuidV7 } from './uuid.ts'

export type ArcClientOptions = ConnectionOptions

/** What the server takes at most. */
const EMBEDDINGS_A_CALL = 500

/** `completedAt`: when it ended, in the past; now by default. */
type EndOptions = CallOptions & { completedAt?: string | Date }

/** Variables may be left out where all of them may. */
type Arguments<Variables, Options> =
  Record<string, never> extends Variables
    ? [variables?: Variables, options?: Options]
    : [variables: Variables, options?: Options]

export type Simulation = operations.SimulationFragment
export type Configuration = operations.ConfigurationFragment
export type ConfigVersion = operations.ConfigVersionFragment
export type ConfigDiff = operations.ConfigDiffFragment

export interface DecisionOptions extends CallOptions {
  /** Why it is decided so; 1 to 10,000 characters. */
  comment?: string
}

export type ConfigComparison = NonNullable<operations.CompareConfigVersionsQuery['configDiff']>
export type Health = operations.HealthQuery['health']
export type Metrics = operations.MetricsQuery['metrics']
export type SimulationProgress = operations.SimulationProgressSubscription['simulationProgress']
/** A step of one of the tenant's simulations, by its number among all of them. */
export type Change = operations.ChangesSubscription['changes']
/** An alert that fired or ended: `event` is null where its rule was deleted, `event.alert` while what it is about is. */
export type AlertStep = operations.AlertEventsSubscription['alertEvents']
export type SimulationEvent = operations.SimulationEventsSubscription['simulationEvents']
export type ScenarioOutcome = NonNullable<
  operations.ScenarioOutcomesQuery['simulation']
>['outcomes']['nodes'][number]
export type OutcomeBatcher = RowBatcher<operations.OutcomeInput, OutcomeReceipt>
export type AmendmentBatcher = RowBatcher<operations.OutcomeAmendmentInput, AmendmentReceipt>

/**
 * A client of one Arc server, for Node and the browser.
 *
 * Whatever did not go well is thrown: ArcRequestError with the server's codes, the mutations' payload errors among
 * them, or the reason of the call's signal. Of rows that are recorded together each has a receipt; a row that is
 * rejected is told there and costs no other.
 *
 * Every method but `request` may be repeated without doing anything twice, and is where there was no answer or the fault is one that
 * passes: three times, and for two minutes (`patienceMs`) where the server has answered before. A repeated call that finds its first attempt done says so: its receipts
 * are DUPLICATE, `created` is false.
 */
export class ArcClient {
  readonly #connection: Connection

  /** @throws TypeError for a token or a URL that cannot be used. */
  constructor(options: ArcClientOptions) {
    this.#connection = new Connection(options)
  }

  /** Where GraphQL is. */
  get url(): string {
    return this.#connection.url
  }

  /** The data of an operation. Queries are repeated; mutations only with `mayRepeat`. */
  request<Result = unknown, Variables = Record<string, unknown>>(
    document: TypedDocument<Result, Variables>,
    ...[variables, options]: Arguments<Variables, RequestOptions>
  ): Promise<Result> {
    return this.#connection.request(document, variables as Variables, options)
  }

  /** The results of a subscription, over server-sent events. */
  subscribe<Result = unknown, Variables = Record<string, unknown>>(
    document: TypedDocument<Result, Variables>,
    ...[variables, options]: Arguments<Variables, SubscribeOptions<Result, Variables>>
  ): AsyncIterableIterator<Result> {
    return subscription(this.#connection, document, variables as Variables, options ?? {}, (result) => result)
  }

  /** How the server and its database are. */
  async health(options?: CallOptions): Promise<Health> {
    return (await this.request(operations.HealthDocument, {}, options)).health
  }

  /** What the server process answered the tenant since it started: how often, how well, how fast. */
  async getMetrics(options?: CallOptions): Promise<Metrics> {
    return (await this.request(operations.MetricsDocument, {}, options)).metrics
  }

  // Simulations

  /** Plans a simulation and starts it. Its id may be chosen; the same call with the same id starts none again. */
  async startSimulation(
    input: operations.StartSimulationInput,
    options?: CallOptions,
  ): Promise<Simulation & { created: boolean }> {
    const chosen = { ...input, simulationId: input.simulationId ?? uuidV7() }
    const { simulation, created } = await this.#connection.change(
      operations.StartSimulationDocument,
      chosen,
      options,
    )
    return { ...simulation!, created }
  }

  /** Plans a simulation: it is PENDING until its first outcome. */
  createSimulation(
    input: Omit<operations.StartSimulationInput, 'start'>,
    options?: CallOptions,
  ): Promise<Simulation & { created: boolean }> {
    return this.startSimulation({ ...input, start: false }, options)
  }

  /** Adds scenarios and repetitions to a simulation that goes on; what it has already stays. */
  async extendSimulation(
    input: operations.ExtendSimulationInput,
    options?: CallOptions,
  ): Promise<Simulation> {
    const { simulation } = await this.#connection.change(operations.ExtendSimulationDocument, input, options)
    return simulation!
  }

  /** Ends a simulation that went through; its score is the given one, or the mean of its graded runs. */
  async completeSimulation(
    simulationId: string,
    result?: operations.SuiteResultInput,
    { completedAt, ...options }: EndOptions = {},
  ): Promise<Simulation> {
    const input = { simulationId, result, completedAt }
    const { simulation } = await this.#connection.change(
      operations.CompleteSimulationDocument,
      input,
      options,
    )
    return simulation!
  }

  /** Ends a simulation that broke off. */
  async failSimulation(
    simulationId: string,
    errorMessage: string,
    { completedAt, ...options }: EndOptions = {},
  ): Promise<Simulation> {
    const input = { simulationId, errorMessage, completedAt }
    const { simulation } = await this.#connection.change(operations.FailSimulationDocument, input, options)
    return simulation!
  }

  /** Ends a simulation on request. */
  async cancelSimulation(
    simulationId: string,
    reason?: string,
    { completedAt, ...options }: EndOptions = {},
  ): Promise<Simulation> {
    const input = { simulationId, reason, completedAt }
    const { simulation } = await this.#connection.change(operations.CancelSimulationDocument, input, options)
    return simulation!
  }

  /**
   * Says that a simulation goes on, or one of its runs, which is RUNNING then. @throws ArcRequestError SIMULATION_ENDED when
   * nobody wants its outcomes any more, SIMULATION_NOT_FOUND and others.
   */
  async heartbeat(input: operations.HeartbeatInput, options?: CallOptions): Promise<void> {
    await this.#connection.change(operations.HeartbeatDocument, input, options)
  }

  /**
   * Sends heartbeats until it is stopped, for a simulation or, with `scenarioId` and `repetition`, for one of its runs. One that
   * does not arrive is followed by the next. The `signal` is aborted when the simulation has ended meanwhile.
   */
  keepAlive(input: operations.HeartbeatInput, options?: KeepAliveOptions): KeepAlive {
    return new KeepAlive((signal) => this.heartbeat(input, { signal }), options)
  }

  /** Where a simulation stands. @throws ArcRequestError SIMULATION_NOT_FOUND. */
  async getSimulationStatus(simulationId: string, options?: CallOptions): Promise<Simulation> {
    const variables = { simulationId }
    const { simulation } = await this.request(operations.SimulationStatusDocument, variables, options)
    return simulation ?? noSimulation(simulationId)
  }

  /**
   * How the runs of a simulation went: each bucket that the time range touches, empty ones too, all of it summed up, and the
   * simulation beside it. Without a range all its time, of which the last 1,000 buckets.
   *
   * @throws ArcRequestError SIMULATION_NOT_FOUND, BAD_USER_INPUT, LIMIT_EXCEEDED.
   */
  async getSimulationPerformance(
    simulationId: string,
    { timeRange, grain, timeZone, ...options }: CallOptions & PerformanceBuckets = {},
  ): Promise<Performance & { simulation: Simulation }> {
    const variables = { simulationId, ...bucketVariables({ timeRange, grain, timeZone }) }
    const { simulation } = await this.request(operations.SimulationPerformanceDocument, variables, options)
    const { performance, ...rest } = simulation ?? noSimulation(simulationId)
    return { simulation: rest, ...performance }
  }

  /**
   * How all runs that match the filter went, and in `groups` the same told apart by what `by` says. Without a range the last
   * 30 days.
   *
   * @throws ArcRequestError BAD_USER_INPUT, LIMIT_EXCEEDED.
   */
  async getPerformance({
    timeRange,
    grain = 'DAY',
    timeZone,
    by,
    filter,
    ...options
  }: CallOptions &
    PerformanceBuckets & {
      by?: operations.PerformanceBy
      filter?: operations.PerformanceFilter
    } = {}): Promise<Performance & { groups: PerformanceGroup[] }> {
    const variables = { ...bucketVariables({ timeRange, grain, timeZone }), by, filter }
    const { performance } = await this.request(operations.PerformanceDocument, variables, options)
    return { ...performance, groups: performance.groups.nodes }
  }

  /**
   * The outcomes of a simulation, the latest first, read page by page as they are asked for. Their trajectories come
   * `withTrajectory` only: they are large. @throws ArcRequestError SIMULATION_NOT_FOUND.
   */
  getScenarioOutcomes(
    simulationId: string,
    {
      status,
      timeRange,
      withTrajectory = false,
      ...options
    }: PageOptions & {
      status?: operations.OutcomeStatus | operations.OutcomeStatus[]
      timeRange?: TimeRange
      withTrajectory?: boolean
    } = {},
  ): AsyncGenerator<ScenarioOutcome, void> {
    const filter: operations.OutcomeFilter = {
      status: status === undefined ? undefined : { in: [status].flat() },
      executionTime: timeRange && timeFilter(timeRange),
    }
    return rowsOf(options, async (page) => {
      const variables = { simulationId, filter, withTrajectory, ...page }
      const { simulation } = await this.request(operations.ScenarioOutcomesDocument, variables, options)
      return (simulation ?? noSimulation(simulationId)).outcomes
    })
  }

  /**
   * Every step of a simulation after `afterSeq`, once and in order, until it ends: over lost connections, restarts of
   * the server, and tokens that end.
   */
  simulationEvents(
    simulationId: string,
    { afterSeq = 0, signal }: { afterSeq?: number; signal?: AbortSignal } = {},
  ): AsyncIterableIterator<SimulationEvent> {
    return subscription(
      this.#connection,
      operations.SimulationEventsDocument,
      { simulationId, afterSeq },
      { signal, resume: ({ simulationEvents: { seq } }) => ({ simulationId, afterSeq: seq }) },
      ({ simulationEvents }) => simulationEvents,
    )
  }

  /** The number of the tenant's latest change: what comes after it comes from now on. */
  async latestChange(options?: CallOptions): Promise<number> {
    return (await this.request(operations.LatestChangeDocument, {}, options)).latestChange
  }

  /**
   * Every step of all simulations of the tenant after the change of that number, 0 for all, once and in order, over lost
   * connections and restarts of the server. Ends with its signal.
   */
  changes(afterSeq: number, { signal }: { signal?: AbortSignal } = {}): AsyncIterableIterator<Change> {
    return subscription(
      this.#connection,
      operations.ChangesDocument,
      { afterSeq },
      { signal, resume: ({ changes: { seq } }) => ({ afterSeq: seq }) },
      ({ changes }) => changes,
    )
  }

  /**
   * The tenant's alerts as they fire and end, after the one of that number, 0 for all, each once and in order, over lost connections
   * and restarts of the server. Ends with its signal.
   */
  alertEvents(afterSeq: number, { signal }: { signal?: AbortSignal } = {}): AsyncIterableIterator<AlertStep> {
    return subscription(
      this.#connection,
      operations.AlertEventsDocument,
      { afterSeq },
      { signal, resume: ({ alertEvents: { seq } }) => ({ afterSeq: seq }) },
      ({ alertEvents }) => alertEvents,
    )
  }

  /** Where a simulation stands, now and whenever that changes, until it ends: the newest state, not each step. */
  simulationProgress(
    simulationId: string,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<SimulationProgress> {
    let shown = -1
    return subscription(
      this.#connection,
      operations.SimulationProgressDocument,
      { simulationId },
      { signal, resume: () => ({ simulationId }) },
      ({ simulationProgress }) => {
        // After a lost connection the state comes again, whether it has changed or not.
        if (simulationProgress.seq === shown) return null
        shown = simulationProgress.seq
        return simulationProgress
      },
    )
  }

  // Outcomes

  /** Stores one outcome; the server gathers those that arrive together. For many, `recordOutcomes` or a batcher. */
  async recordOutcome(outcome: operations.OutcomeInput, options?: CallOptions): Promise<OutcomeReceipt> {
    const { receipt } = await this.#connection.change(operations.RecordOutcomeDocument, { outcome }, options)
    return receipt!
  }

  /** Stores any number of outcomes, in calls of a size that the server takes. One receipt each, in their order. */
  recordOutcomes(outcomes: operations.OutcomeInput[], limits?: BatchLimits): Promise<OutcomeReceipt[]> {
    return recordAll(outcomeRows(this.#connection), outcomes, limits)
  }

  /**
   * Changes any number of stored outcomes, e.g. grades them later, in calls of a size that the server takes. One receipt
   * each, in their order.
   */
  amendOutcomes(
    amendments: operations.OutcomeAmendmentInput[],
    limits?: BatchLimits,
  ): Promise<AmendmentReceipt[]> {
    return recordAll(amendmentRows(this.#connection), amendments, limits)
  }

  /**
   * Stores any number of vectors that a model of the caller's made, in calls of a size that the server takes. One receipt each, in
   * their order.
   */
  recordEmbeddings(
    model: string,
    embeddings: OwnEmbedding[],
    limits?: BatchLimits,
  ): Promise<EmbeddingReceipt[]> {
    const maxRows = Math.min(limits?.maxRows ?? EMBEDDINGS_A_CALL, EMBEDDINGS_A_CALL)
    return recordAll(embeddingRows(this.#connection, model), embeddings.map(embeddingInput), {
      ...limits,
      maxRows,
    })
  }

  /** Gathers outcomes that come one by one, from sandboxes for instance. */
  outcomeBatcher(limits?: BatchLimits): OutcomeBatcher {
    return new RowBatcher(outcomeRows(this.#connection), limits)
  }

  /** The same for amendments. */
  amendmentBatcher(limits?: BatchLimits): AmendmentBatcher {
    return new RowBatcher(amendmentRows(this.#connection), limits)
  }

  /** Stores a result in the structure that sandboxes report. */
  async recordScenarioOutcome(
    simulationId: string,
    result: ScenarioResult,
    options: CallOptions = {},
  ): Promise<OutcomeReceipt> {
    const [receipt] = await this.recordBatchOutcomes(simulationId, [result], options)
    return receipt!
  }

  /** Stores any number of results in the structure that sandboxes report. One receipt each, in their order. */
  recordBatchOutcomes(
    simulationId: string,
    results: ScenarioResult[],
    limits?: BatchLimits,
  ): Promise<OutcomeReceipt[]> {
    return recordAll(scenarioResultRows(this.#connection, simulationId), results, limits)
  }

  // Scenarios

  /** Stores any number of scenarios that are new or changed. One receipt each, in their order. */
  upsertScenarios(scenarios: operations.ScenarioInput[], limits?: BatchLimits): Promise<ScenarioReceipt[]> {
    return recordAll(scenarioRows(this.#connection), scenarios, limits)
  }

  // Configurations

  /** Makes a configuration, with its first version when there is YAML. */
  async createConfiguration(
    input: operations.CreateConfigurationInput,
    options?: CallOptions,
  ): Promise<{ configuration: Configuration; version: ConfigVersion | null }> {
    const chosen = { ...input, configId: input.configId ?? uuidV7() }
    try {
      const made = await this.#connection.change(operations.CreateConfigurationDocument, chosen, options)
      return { configuration: made.configuration!, version: made.version }
    } catch (error) {
      if (!(error instanceof ArcRequestError && error.codes.includes('NAME_TAKEN'))) throw error
      return (await this.#madeBefore(chosen, options)) ?? Promise.reject(error)
    }
  }

  /** The next version of a configuration; its latest when that has just this YAML. */
  async createConfigVersion(
    input: operations.CreateConfigVersionInput,
    options?: CallOptions,
  ): Promise<ConfigVersion & { created: boolean }> {
    const { version, created } = await this.#connection.change(
      operations.CreateConfigVersionDocument,
      input,
      options,
    )
    return { ...version!, created }
  }

  /** The version of the configuration of this name that has just this YAML; what is missing of it is made. */
  ensureConfigVersion(
    configuration: { name: string; yaml: string; createdAt?: string | Date | null },
    options?: CallOptions,
  ): Promise<EnsuredVersion> {
    return ensureConfigVersion(this.#connection, configuration, options)
  }

  /** Goes back to the YAML of an earlier version, as a new one. */
  async setLatestVersion(
    input: operations.SetLatestVersionInput,
    options?: CallOptions,
  ): Promise<ConfigVersion & { created: boolean }> {
    const { version, created } = await this.#connection.change(
      operations.SetLatestVersionDocument,
      input,
      options,
    )
    return { ...version!, created }
  }

  async archiveConfiguration(configId: string, options?: CallOptions): Promise<Configuration> {
    const { configuration } = await this.#connection.change(
      operations.ArchiveConfigurationDocument,
      { configId },
      options,
    )
    return configuration!
  }

  async restoreConfiguration(configId: string, options?: CallOptions): Promise<Configuration> {
    const { configuration } = await this.#connection.change(
      operations.RestoreConfigurationDocument,
      { configId },
      options,
    )
    return configuration!
  }

  /** The configurations, the newest first, each with its latest version. */
  getConfigurations({ filter, ...options }: PageOptions & { filter?: operations.ConfigurationFilter } = {}) {
    return rowsOf(options, async (page) => {
      const variables = { filter, ...page }
      return (await this.request(operations.ConfigurationsDocument, variables, options)).configurations
    })
  }

  /** The versions of a configuration, the newest first. */
  getConfigVersions(configId: string, options: PageOptions = {}): AsyncGenerator<ConfigVersion, void> {
    return rowsOf(options, async (page) => {
      const variables = { filter: { configId: { eq: configId } }, ...page }
      return (await this.request(operations.ConfigVersionsDocument, variables, options)).configVersions
    })
  }

  /** What the versions of a configuration changed, the newest first. */
  getConfigDiffs(configId: string, options: PageOptions = {}): AsyncGenerator<ConfigDiff, void> {
    return rowsOf(options, async (page) => {
      const variables = { filter: { configId: { eq: configId } }, ...page }
      return (await this.request(operations.ConfigDiffsDocument, variables, options)).configDiffs
    })
  }

  /** What lies between two versions, of one configuration or of two; null when one of them is not there. */
  async compareConfigVersions(
    before: string,
    after: string,
    options?: CallOptions,
  ): Promise<ConfigComparison | null> {
    return (await this.request(operations.CompareConfigVersionsDocument, { before, after }, options))
      .configDiff
  }

  /** `comment`: why. To decide otherwise afterwards, take it back first. */
  async approveConfigDiff(
    diffId: string,
    { comment, ...options }: DecisionOptions = {},
  ): Promise<ConfigDiff> {
    const input = { diffId, comment }
    const { diff } = await this.#connection.change(operations.ApproveConfigDiffDocument, input, options)
    return diff!
  }

  async rejectConfigDiff(diffId: string, { comment, ...options }: DecisionOptions = {}): Promise<ConfigDiff> {
    const input = { diffId, comment }
    const { diff } = await this.#connection.change(operations.RejectConfigDiffDocument, input, options)
    return diff!
  }

  /** The diff is pending again, whoever decided. */
  async withdrawConfigDiffDecision(
    diffId: string,
    { comment, ...options }: DecisionOptions = {},
  ): Promise<ConfigDiff> {
    const input = { diffId, comment }
    const { diff } = await this.#connection.change(
      operations.WithdrawConfigDiffDecisionDocument,
      input,
      options,
    )
    return diff!
  }

  /** What the call has made whose answer got lost: under the key that it chose, just what it was asked to make. */
  async #madeBefore(
    { configId, name, yaml }: operations.CreateConfigurationInput & { configId: string },
    options?: CallOptions,
  ): Promise<{ configuration: Configuration; version: ConfigVersion | null } | null> {
    const document = operations.FindMadeConfigurationDocument
    const { configuration: found } = await this.request(document, { configId }, options)
    if (!found) return null
    const { versions, ...configuration } = found
    const [version = null] = versions.nodes
    const isIt = configuration.name === name.trim() && (version?.rawYaml ?? null) === (yaml ?? null)
    return isIt ? { configuration, version } : null
  }
}

function noSimulation(simulationId: string): never {
  const message = `There is no simulation ${simulationId}.`
  const errors = [{ message, code: 'SIMULATION_NOT_FOUND', path: ['simulationId'] }] as const
  throw new ArcRequestError(message, { status: 200, errors })
}
