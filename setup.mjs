// Brings a fresh clone to where its commands work, with nothing but Node and npm: installs the locked dependencies
// and generates the database client, each only when it is missing or older than what it is made from.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(fileURLToPath(import.meta.url)))

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Arc needs Node 20.19 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

step('node_modules/.arc-installed', ['package-lock.json'], 'Installing dependencies', () => {
  const install = ['ci', '--loglevel=error']
  const npm = process.env.npm_execpath
  if (npm) run(process.execPath, [npm, ...install])
  else run('npm', install)
})

step(
  'src/db/generated/.arc-generated',
  ['prisma/schema.prisma', 'package-lock.json'],
  'Generating the database client',
  () => {
    run(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], {
      // It finds the generator of Pothos by its name.
      PATH: [resolve('node_modules/.bin'), process.env.PATH].join(delimiter),
      // It wants the path of a schema engine, which it would download; generating never runs it.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    })
  },
)

/** Runs `work` unless `stamp` says that it was done for these very sources. */
function step(stamp, sources, what, work) {
  const hash = createHash('sha256')
  for (const source of sources) hash.update(readFileSync(source))
  const wanted = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.error(`${what} …`)
  work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}

/** Says what the command said only when it fails. */
function run(command, args, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    shell: process.platform === 'win32' && command === 'npm',
  })
  if (status === 0) return
  console.error(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\nFailed: ${command} ${args.join(' ')}`)
  process.exit(1)
}
