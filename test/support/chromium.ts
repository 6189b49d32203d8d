import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** The browser of this machine, if it has one. */
export const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path && existsSync(path))

/** The name of a group of tests that need it, which says so when they are skipped. */
export const needingChromium = (name: string) =>
  CHROMIUM ? name : `${name} (skipped: no Chromium found; set CHROMIUM_PATH)`

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
