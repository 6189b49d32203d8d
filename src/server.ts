import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import { type Logger, pino } from 'pino'
import { createAuthenticator } from './auth/authenticator.ts'
import type { Config } from './config.ts'
import { callableTableFunctions, checkLogin } from './db/admin/login.ts'
import { MigrationError, migrate, missingMigrations } from './db/admin/migrator.ts'
import { startEmbeddedDatabase } from './db/embedded/embedded.ts'
import { PrismaClient } from './db/generated/client.ts'
import { createPools, endPools, warmUp } from './db/pools.ts'
import { inTenantTransaction } from './db/tenantTransaction.ts'
import { settledTls } from './db/tlsMode.ts'
import { explained } from './db/unusable.ts'
import { OutcomeQueue } from './evaluation/outcomes/outcomeQueue.ts'
import type { Services } from './graphql/builder/context.ts'
import { QueryCompiler } from './graphql/compiled/compiledQuery.ts'
import { schema } from './graphql/schema.ts'
import { createAdmission } from './http/admit.ts'
import { createContextFactory, createExecution } from './http/execution.ts'
import { TenantShare } from './http/limits/tenantShare.ts'
import { createOperationCheck } from './http/operationCheck.ts'
import { untilWelcome } from './http/requestHead.ts'
import { answerByRoutes, GRAPHQL_PATH, routesOf } from './http/routes.ts'
import { refuseMalformed } from './http/socketAnswer.ts'
import { createSubscribe } from './http/subscribe.ts'
import { readTrustedDocuments } from './http/trustedDocuments.ts'
import { serveWebSocket } from './http/webSocket.ts'
import { createGraphQLHandler, type HttpParts } from './http/yoga.ts'
import { JobRunner } from './jobs/jobRunner.ts'
import { FAIL_SILENT_SIMULATIONS } from './jobs/silentSimulations.ts'
import { prepareOutcomeStorage, STORAGE_UPKEEP } from './jobs/storageUpkeep.ts'
import { LiveHub } from './live/hub.ts'
import { HealthProbe } from './observe/health.ts'
import { OperationMetrics } from './observe/operationMetrics.ts'

/**
 * A request that trickles in holds its connection no longer; what has begun to be read has the body's own limit. A
 * connection at rest outlives those of load balancers and clients, most of which let go after a minute: the other way
 * round their next request meets the end of it.
 */
const HTTP_TIMEOUTS = { headersTimeout: 15_000, requestTimeout: 300_000, keepAliveTimeout: 75_000 }

/** Connections that wait to be accepted. Node's 511 are too few for a thousand sandboxes; the kernel may allow fewer. */
const BACKLOG = 4_096

export interface ArcServer {
  /** Where GraphQL is, e.g. http://127.0.0.1:4000/graphql. */
  url: string
  /** The database's own URL, for programs of this machine. */
  databaseUrl: string
  /** Lets running requests end, closes what is open, and leaves everything on disk. */
  close(): Promise<void>
}

/**
 * Opens the database (the embedded one when the configuration names none), brings the embedded one's schema up to
 * date, and serves.
 *
 * @throws DataDirLocked, DatabaseUnusable, MigrationError, LoginRefused, with what to do in the message.
 */
export async function startServer(
  config: Config,
  logger: Logger = pino({ level: config.logLevel }),
): Promise<ArcServer> {
  const undo: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const file = config.exposure.trustedDocuments
    const trustedDocuments = file === undefined ? new Map() : readTrustedDocuments(file)
    let { databaseUrl } = config
    if (databaseUrl === undefined) {
      const database = await startEmbeddedDatabase(config.dataDir)
      undo.push(() => database.close())
      databaseUrl = database.connectionString
      await migrate(databaseUrl)
    } else {
      databaseUrl = await settledTls(databaseUrl)
      const missing = await missingMigrations(databaseUrl)
      if (missing.length > 0) {
        throw new MigrationError(
          `The database lacks ${missing.length} migrations (from ${missing[0]}). Run "arc migrate" first (in a clone: "npm run migrate").`,
        )
      }
    }

    const { answerMs, ...pool } = config.pool
    const pools = createPools({
      ...pool,
      connectionString: databaseUrl,
      // Statements of the embedded database wait for each other, and nothing lies between it and us.
      answerMs: config.databaseUrl === undefined ? undefined : answerMs,
      logger,
    })
    undo.push(() => endPools(pools))
    await checkLogin(pools.own)
    const callable = await callableTableFunctions(pools.own)
    if (callable.length > 0) {
      logger.warn(
        { functions: callable },
        'these functions of TimescaleDB can change tables for every role: as their owner, revoke execute on them from public',
      )
    }
    const prisma = new PrismaClient({
      adapter: new PrismaPg(pools.reading, { disposeExternalPool: false }),
      // The pool gives up first, and says why.
      // Longer than the database takes to answer any one statement: nobody hears of a time that ran out before.
      transactionOptions: { maxWait: 2 * pool.waitMs, timeout: 2 * answerMs },
    })
    undo.push(() => prisma.$disconnect())
    await warmUp(pools)

    await prepareOutcomeStorage(pools.own)
    const jobs = new JobRunner(pools.own, [...STORAGE_UPKEEP, FAIL_SILENT_SIMULATIONS], logger)
    undo.push(() => jobs.close())
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
    )
    await live.start()
    undo.push(() => live.stop())

    const services: Services = {
      pools,
      live,
      logger,
      outcomeQueue: new OutcomeQueue(
        (viewer, bytes) => (work, options) =>
          share.inWritersTurn(viewer.tenantId, bytes, () =>
            inTenantTransaction(pools.writing, viewer, 'read write', work, options),
          ),
        { all: pool.maxWaiting, ofTenant: share.waitingOutcomes },
      ),
      quotas: { openRuns: limits.openRunsPerTenant, apiKeys: limits.apiKeysPerTenant },
      health: new HealthProbe(pools, logger),
      metrics: new OperationMetrics(),
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
      logger,
    }
    const { handle, breakOffStreams } = createGraphQLHandler(parts)
    const answer = answerByRoutes(routesOf(handle, services.health), admission, exposure, logger)
    // What Node refuses by itself it refuses without a body.
    const server = createServer({ ...HTTP_TIMEOUTS, requireHostHeader: false }, answer)
    server.on('checkContinue', (request, response) => {
      untilWelcome(response)
      answer(request, response)
    })
    server.on('checkExpectation', answer)
    server.on('clientError', (error, socket) => refuseMalformed(error, socket, logger))
    const closeSockets = serveWebSocket(server, parts)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: config.port, host: config.host, backlog: BACKLOG }, resolve)
    })
    undo.push(async () => {
      await closeSockets()
      breakOffStreams()
      const closed = new Promise((resolve) => server.close(resolve))
      // A connection whose request is still running becomes idle later, and would be kept alive for its next one.
      const idle = setInterval(() => server.closeIdleConnections(), 20)
      const lastResort = setTimeout(() => server.closeAllConnections(), 3_000)
      await closed
      clearInterval(idle)
      clearTimeout(lastResort)
    })
    const { port } = server.address() as AddressInfo
    const host = config.host.includes(':') ? `[${config.host}]` : config.host
    return { url: `http://${host}:${port}${GRAPHQL_PATH}`, databaseUrl, close }
  } catch (error) {
    await close()
    throw config.databaseUrl === undefined ? error : explained(error, config.databaseUrl)
  }
}
