import type { RequestListener } from 'node:http'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Logger } from 'pino'
import { createAuthenticator } from './auth/authenticator.ts'
import type { Config } from './config.ts'
import { awaited } from './db/admin/awaited.ts'
import { callableTableFunctions, checkLogin } from './db/admin/login.ts'
import { MigrationsMissing, migrate, missingMigrations } from './db/admin/migrator.ts'
import { startEmbeddedDatabase } from './db/embedded/embedded.ts'
import { PrismaClient } from './db/generated/client.ts'
import { OutcomeParts } from './db/outcomeParts.ts'
import type { ArcPool } from './db/pool.ts'
import { addReplica, createPools, endPools, warmUp } from './db/pools.ts'
import { inTenantTransaction, type TenantTransaction, writeAs } from './db/tenantTransaction.ts'
import { settledTls } from './db/tlsMode.ts'
import { explained } from './db/unusable.ts'
import { Embeddings } from './embedding/embeddings.ts'
import { measure } from './evaluation/effects/measuring.ts'
import { OutcomeQueue } from './evaluation/outcomes/outcomeQueue.ts'
import { generateUnasked } from './evaluation/recommendations/generation.ts'
import type { Services } from './graphql/builder/context.ts'
import { QueryCompiler } from './graphql/compiled/compiledQuery.ts'
import { schema } from './graphql/schema.ts'
import { createAdmission } from './http/admit.ts'
import { Door } from './http/door.ts'
import { createContextFactory, createExecution } from './http/execution.ts'
import { TenantShare } from './http/limits/tenantShare.ts'
import { serveMetrics } from './http/metricsPort.ts'
import { createOperationCheck } from './http/operationCheck.ts'
import { answerByRoutes, GRAPHQL_PATH, NOBODY, ROUTES_AT_START, routesOf } from './http/routes.ts'
import { createSubscribe } from './http/subscribe.ts'
import { readTrustedDocuments } from './http/trustedDocuments.ts'
import { serveWebSocket } from './http/webSocket.ts'
import { createGraphQLHandler, type HttpParts } from './http/yoga.ts'
import { deliverAlerts, EVALUATE_ALERT_RULES, sendAlertTest } from './jobs/alerts.ts'
import { embedJob } from './jobs/embedding.ts'
import { ownQueryOn, useEmbeddingModels } from './jobs/embeddingStore.ts'
import { EmbeddingWaker } from './jobs/embeddingWaker.ts'
import { groupFailuresByMeaning } from './jobs/failureGroups.ts'
import { JobRunner } from './jobs/jobRunner.ts'
import { END_LONG_SQL } from './jobs/longSql.ts'
import { measureDiffs } from './jobs/measureDiffs.ts'
import { recommend } from './jobs/recommend.ts'
import { FAIL_SILENT_SIMULATIONS } from './jobs/silentSimulations.ts'
import { prepareOutcomeStorage, STORAGE_UPKEEP } from './jobs/storageUpkeep.ts'
import { ChatCompletions } from './language/chatCompletions.ts'
import { LiveHub } from './live/hub.ts'
import { HealthProbe } from './observe/health.ts'
import { createLogger } from './observe/logger.ts'
import { OperationMetrics } from './observe/operationMetrics.ts'
import { OperationWatch } from './observe/operationWatch.ts'
import { createPrometheus } from './observe/prometheus.ts'
import { StatementFigures } from './observe/statementFigures.ts'
import { startTracing } from './observe/tracing.ts'
import type { Readers } from './reads/operationReads.ts'
import { arcFor } from './viewer.ts'
import { AddressGuard } from './webhooks/addressGuard.ts'
import { WebhookSender } from './webhooks/webhookSender.ts'

/** How much of the time that a server has to stop in its requests have; the rest is for what they leave open. */
const REQUESTS_PART = 0.7

export interface ArcServer {
  /** Where GraphQL is, e.g. http://127.0.0.1:4000/graphql. */
  url: string
  /** The database's own URL, for programs of this machine. */
  databaseUrl: string
  /** Where Prometheus finds the metrics; undefined where they are not served. */
  metricsUrl: string | undefined
  /** Lets running requests end, closes what is open, and leaves everything on disk. */
  close(): Promise<void>
}

/**
 * Takes the port, waits for the database (the embedded one when the configuration names none, whose schema is brought up to
 * date), and serves.
 *
 * @throws DataDirLocked, DatabaseUnusable, MigrationError, LoginRefused, with what to do in the message.
 */
export async function startServer(
  config: Config,
  logger: Logger = createLogger(config.logLevel),
): Promise<ArcServer> {
  const undo: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const { metricsPort, metricsHost, slowMs, tracesUrl } = config.observe
    if (tracesUrl !== undefined) undo.push(await startTracing(tracesUrl, logger))
    const prometheus = metricsPort === undefined ? undefined : await createPrometheus()
    const file = config.exposure.trustedDocuments
    const trustedDocuments = file === undefined ? new Map() : readTrustedDocuments(file)
    let { databaseUrl } = config
    if (databaseUrl === undefined) {
      const database = await startEmbeddedDatabase(config.dataDir)
      undo.push(() => database.close())
      databaseUrl = database.connectionString
      await migrate(databaseUrl)
    }
    const door = await Door.open(
      config,
      answerByRoutes(ROUTES_AT_START, NOBODY, config.exposure, logger),
      logger,
    )
    undo.push(() => door.close(config.stopMs * REQUESTS_PART))
    const { answerMs, ...pool } = config.pool
    const until = performance.now() + config.startMs
    if (config.databaseUrl !== undefined) {
      const given = config.databaseUrl
      databaseUrl = await awaited(() => migratedDatabase(given, answerMs), until, logger)
    }

    const pools = createPools({
      ...pool,
      connectionString: databaseUrl,
      // Statements of the embedded database wait for each other, and nothing lies between it and us.
      answerMs: config.databaseUrl === undefined ? undefined : answerMs,
      logger,
    })
    undo.push(() => endPools(pools))
    await awaited(() => checkLogin(pools.own), until, logger)
    const callable = await callableTableFunctions(pools.own)
    if (callable.length > 0) {
      logger.warn(
        { functions: callable },
        'these functions of TimescaleDB can change tables for every role: run "arc migrate" as their owner, which revokes execute on them from public',
      )
    }
    await warmUp(pools)
    const { databaseReplicaUrl } = config
    if (databaseReplicaUrl !== undefined)
      await addReplica(pools, {
        ...pool,
        connectionString: databaseReplicaUrl,
        mostLagMs: config.replicaLagMs,
        answerMs,
        logger,
      })

    const prismaOn = ({ reading }: { reading: ArcPool }) => {
      const client = new PrismaClient({
        adapter: new PrismaPg(reading, { disposeExternalPool: false }),
        // The pool gives up first, and says why; and no time runs out that is not longer than the database takes to answer any one
        // statement.
        transactionOptions: { maxWait: 2 * pool.waitMs, timeout: 2 * answerMs },
      })
      undo.push(() => client.$disconnect())
      return client
    }
    const prisma: Readers = {
      primary: prismaOn(pools),
      replica: pools.replica && prismaOn({ reading: pools.replica.pool }),
    }

    await prepareOutcomeStorage(pools.own)
    pools.parts = new OutcomeParts(pools.own, config.plannedParts, logger)
    await pools.parts.start()
    const figures = prometheus?.figures
    const embeddings = new Embeddings(config.embeddings)
    undo.push(() => embeddings.close())
    const webhooks = new WebhookSender(new AddressGuard(config.exposure.webhookPrivateHosts))
    const wording = config.language
      ? new ChatCompletions(config.language, (reason) =>
          logger.warn({ reason }, 'a recommendation was not worded by the language model'),
        )
      : null
    const writeUnasked = <Result>(
      tenantId: string,
      work: (transaction: TenantTransaction) => Promise<Result>,
    ): Promise<Result> => writeAs({ writing: pools.own, replica: pools.replica }, arcFor(tenantId), work)
    const regular = config.jobs
      ? [
          ...STORAGE_UPKEEP,
          END_LONG_SQL,
          FAIL_SILENT_SIMULATIONS,
          groupFailuresByMeaning(),
          EVALUATE_ALERT_RULES,
          measureDiffs((tenantId, diffId) =>
            writeUnasked(tenantId, (transaction) => measure(transaction, diffId)),
          ),
          deliverAlerts(webhooks, (...delivery) => figures?.countDelivery(...delivery)),
          recommend((tenantId, versionId, simulationId) =>
            generateUnasked((work) => writeUnasked(tenantId, work), versionId, simulationId, wording),
          ),
          ...(embeddings.background ? [embedJob(embeddings.background)] : []),
        ]
      : []
    const ownQuery = ownQueryOn(pools.own)
    if (config.jobs && embeddings.models && (await useEmbeddingModels(ownQuery, embeddings.models)))
      logger.info({ models: embeddings.models }, 'embeddings are made, of what is stored already too')
    const jobs = new JobRunner(pools.own, regular, logger, (...run) => figures?.countJobRun(...run))
    undo.push(() => jobs.close())
    const waker =
      config.jobs && embeddings.background
        ? new EmbeddingWaker(ownQuery, () => jobs.runDue(), logger)
        : undefined
    undo.push(async () => waker?.close())
    void jobs.runDue()

    const { exposure } = config
    const { limits } = exposure
    const share = new TenantShare(limits, pools, pool.maxWaiting)
    const live = new LiveHub(
      (viewer, work) =>
        share.readers.inTurn(viewer.tenantId, () =>
          inTenantTransaction(pools.reading, viewer, 'read only', work),
        ),
      config.databaseDirectUrl ?? databaseUrl,
      logger,
      answerMs,
      () => waker?.hear(),
    )
    await live.start()
    undo.push(() => live.stop())

    const outcomeQueue = new OutcomeQueue(
      (viewer, bytes) => (work, options) =>
        share.inWritersTurn(viewer.tenantId, bytes, () => writeAs(pools, viewer, work, options)),
      { all: pool.maxWaiting, ofTenant: share.waitingOutcomes },
    )
    const { readers, writers, events } = share
    const health = new HealthProbe({
      pools,
      listener: live,
      backlog: () => ({
        operations:
          readers.waiting + writers.waiting + pools.reading.waitingCount + pools.writing.waitingCount,
        outcomes: outcomeQueue.waiting,
      }),
      jobs: jobs.jobs,
      embeddings: embeddings.source,
      logger,
    })
    const metrics = new OperationMetrics()
    const watch = new OperationWatch(logger, slowMs, metrics, figures)
    const services: Services = {
      pools,
      live,
      logger,
      outcomeQueue,
      quotas: {
        openRuns: limits.openRunsPerTenant,
        apiKeys: limits.apiKeysPerTenant,
        alertRules: limits.alertRulesPerTenant,
      },
      webhooks: {
        guard: webhooks.guard,
        test: (...message) => sendAlertTest(pools.own, webhooks, ...message),
      },
      wording,
      embeddings,
      health,
      metrics,
      watch,
    }
    const admission = createAdmission(createAuthenticator(config.auth, pools.own, logger), exposure)
    const execute = createExecution(config.compiledReads ? new QueryCompiler(limits.readBytes) : undefined)
    const parts: HttpParts = {
      schema,
      admission,
      checkOperation: createOperationCheck(schema, exposure, trustedDocuments),
      contextFor: createContextFactory(prisma, services, share, limits),
      execute,
      subscribe: createSubscribe(share, execute),
      share,
      exposure,
      watch,
      logger,
    }
    const { handle, breakOffStreams } = createGraphQLHandler(parts)
    const route = answerByRoutes(routesOf(handle, health), admission, exposure, logger)
    const answer: RequestListener = (request, response) => {
      // The next request of this connection finds a server that stays.
      if (health.isClosing) response.shouldKeepAlive = false
      route(request, response)
    }
    const sockets = serveWebSocket(door.server, parts)
    let metricsUrl: string | undefined
    if (prometheus) {
      prometheus.lookAt({
        pools,
        turns: { reading: readers, writing: writers, events },
        open: {
          sockets: () => sockets.count,
          subscriptions: () => share.subscriptions.taken,
          watched: () => live.watchedCount,
        },
        health,
        statements: new StatementFigures(pools.own, logger),
      })
      const served = await serveMetrics({ port: metricsPort!, host: metricsHost }, prometheus, logger)
      undo.push(served.close)
      metricsUrl = served.url
    }
    door.admit(answer)
    undo.push(async () => {
      // Jobs have their own time to end in, at the same time.
      const jobsEnded = jobs.close()
      await sockets.close()
      breakOffStreams()
      await door.close(config.stopMs * REQUESTS_PART)
      await jobsEnded
      // Whoever asked for it has been cut off, or left.
      for (const each of [pools.reading, pools.writing]) each.cut()
    })
    undo.push(async () => {
      health.close()
      await new Promise((resolve) => setTimeout(resolve, config.drainMs))
    })
    const host = config.host.includes(':') ? `[${config.host}]` : config.host
    return { url: `http://${host}:${door.port}${GRAPHQL_PATH}`, databaseUrl, metricsUrl, close }
  } catch (error) {
    await close()
    throw config.databaseUrl === undefined ? error : explained(error, config.databaseUrl)
  }
}

/** The URL with what it leaves open of TLS, once the database has all migrations. @throws MigrationsMissing */
async function migratedDatabase(given: string, answerMs: number): Promise<string> {
  const databaseUrl = await settledTls(given)
  const missing = await missingMigrations(databaseUrl, { answerMs })
  if (missing.length === 0) return databaseUrl
  throw new MigrationsMissing(
    `The database lacks ${missing.length} migrations (from ${missing[0]}). Run "arc migrate" first (in a clone: "npm run migrate").`,
  )
}
