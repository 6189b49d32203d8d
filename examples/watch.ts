import { ArcClient, ArcRequestError } from 'arc-eval/client'

const client = new ArcClient({
  url: process.env.ARC_URL!,
  // Called for the first request, and again whenever the server refuses the previous token.
  token: async () => process.env.ARC_TOKEN!,
})

try {
  for await (const event of client.simulationEvents(process.argv[2]!, {
    signal: AbortSignal.timeout(3_600_000),
  })) {
    console.log(`${event.seq} ${event.kind}: ${event.completionPercent} %, score ${event.currentScore}`)
  }
} catch (error) {
  if (!(error instanceof ArcRequestError)) throw error
  console.error(`${error.codes}: ${error.message}`)
  process.exitCode = 1
}
