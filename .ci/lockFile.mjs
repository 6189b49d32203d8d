// `npm ci` refuses a package-lock.json that lacks an optional package of any platform, and npm writes such a file when
// the registry or the node_modules that it looks at has not got them all. `npm install --package-lock-only` in a folder
// with nothing but package.json, .npmrc and this lock file adds what lacks.
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'

const REGISTRY = 'https://registry.npmjs.org/'

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const faults = []
for (const [path, { optionalDependencies = {}, resolved = REGISTRY }] of Object.entries(packages)) {
  for (const name of Object.keys(optionalDependencies)) {
    if (!isLocked(name, path)) faults.push(`${name} is missing, an optional dependency of ${path}`)
  }
  if (!resolved.startsWith(REGISTRY)) faults.push(`${path} comes from another registry than npm's`)
}
if (faults.length > 0) {
  console.error(['package-lock.json:', ...faults].join('\n  '))
  process.exitCode = 1
}

/** As Node looks for it: in the package's own node_modules, then in those above. */
function isLocked(name, path) {
  if (packages[posix.join(path, 'node_modules', name)]) return true
  return path !== '' && isLocked(name, path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)))
}
