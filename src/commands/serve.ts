import { setTimeout as delay } from 'node:timers/promises'
import { signToken } from '../auth/tokens.ts'
import { ArcClient } from '../client/arcClient.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../observe/logger.ts'
import { runSample } from '../sample/sample.ts'
import { startServer } from '../server.ts'
import { LOCAL_TENANT } from './token.ts'

const TOKEN_DAYS = 30
/** `arc serve`: runs until it is told to stop, and says how to begin. */
export async function serve(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel)
  const server = await startServer(config, logger)
  const stopping = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        stopping.abort()
        resolve()
      })
    }
  })
  if (config.auth.secret) {
    const token = await signToken(config.auth, {
      tenantId: LOCAL_TENANT,
      actorId: 'local',
      role: 'app_user',
      lifetimeSeconds: TOKEN_DAYS * 86_400,
    })
    console.log(
      config.production
        ? `Arc serves GraphQL at ${server.url}`
        : welcome(server.url, process.stdout.isTTY ? token : undefined, config),
    )
    if (config.sample) {
      // It lives and ends with its server.
      const client = new ArcClient({ url: server.url, token, patienceMs: 0 })
      runSample(client, stopping.signal).catch((error: Error) => {
        if (!stopping.signal.aborted) logger.error({ err: error }, 'the sample stopped')
      })
    }
  } else {
    console.log(`Arc serves GraphQL at ${server.url} for tokens of ${config.auth.jwksUrl}`)
  }

  await stopped
  console.log('\nStopping: running requests finish, everything is written.')
  const lastResort = delay(config.drainMs + config.stopMs, 'late', { ref: false }).then(() => process.exit(1))
  await Promise.race([server.close(), lastResort])
}

/** How to begin, for a person. The token is for a terminal only: whatever else reads this may keep it. */
function welcome(url: string, token: string | undefined, config: Config): string {
  const { graphiql } = config.exposure
  const page = graphiql ? `GraphiQL   ${url}${token === undefined ? '' : `#token=${token}`}\n` : ''
  const printing = '"arc token", in a clone "npm run -s token", prints'
  return `
Arc is running. Ctrl-C stops it; nothing is lost.

GraphQL    ${url}
${page}Token      ${
    token === undefined
      ? `${printing} one (tenant ${LOCAL_TENANT})`
      : `${token}\n           (tenant ${LOCAL_TENANT}, ${TOKEN_DAYS} days; ${printing} another)`
  }

Try these${graphiql ? ' in GraphiQL' : ''}:

1. The latest simulations:

   { simulations(first: 5) { nodes { simulationId simulationName status completionPercent currentScore totalCostUsd } } }

2. Failures, and where they occurred:

   { failurePatterns(first: 5) { nodes { failureCategory errorMessage outcome { scenario { name } model } } } }

3. Live progress (a subscription; put the id of a RUNNING simulation from the first query into it):

   subscription { simulationProgress(simulationId: "…") { status completedScenarios failedScenarios totalScenarios currentScore } }
${config.sample ? '\nAn empty database is filled with a small synthetic sample; its simulation "Sample: live run" keeps running while Arc runs.\n' : ''}`
}
