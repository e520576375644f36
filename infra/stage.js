// Lays out in .local/package, or in the folder given, what is deployed: the built app, its page, its manifest, and of node_modules
// the closure of the production dependencies, exactly as locked. The checkout and its node_modules are left as they are.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');
const stage = resolve(process.argv[2] ?? join(root, '.local', 'package'));
const deployed = ['dist', 'dashboard', 'host.json'];
const manifestMembers = [
  'name',
  'version',
  'description',
  'license',
  'private',
  'type',
  'main',
  'engines',
  'dependencies',
];
/** Types and source maps of dependencies: about half of the files, and no use at run time. */
const isLeftOut = (path) => /\.(?:[cm]?ts|map)$/.test(path) && statSync(path).isFile();

const readJson = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'));

/** Where Node would find `name` when a module in the folder `from` asks for it, by the lockfile. */
function locate(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    if (folder === '') return undefined;
  }
}

/** Folders of all packages that production code can reach. */
function productionClosure(packages) {
  const found = new Set();
  const open = [''];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packages[from];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const place = locate(packages, from, name);
      const optional = optionalDependencies?.[name] !== undefined || peerDependenciesMeta?.[name]?.optional === true;
      if (place === undefined) {
        if (optional) continue;
        throw new Error(`package-lock.json does not lock ${name}, which ${from === '' ? 'the app' : from} needs.`);
      }
      // An optional peer is the business of whoever wants it; it is in the closure only when somebody depends on it.
      if (peerDependenciesMeta?.[name]?.optional === true || found.has(place)) continue;
      found.add(place);
      open.push(place);
    }
  }
  return [...found].sort();
}

function copyPackage(place, optional) {
  const source = join(root, place);
  if (!existsSync(source)) {
    if (optional) return;
    throw new Error(`${place} is not installed. Run npm ci.`);
  }
  const nested = join(source, 'node_modules');
  cpSync(source, join(stage, place), {
    recursive: true,
    filter: (path) => path !== nested && !isLeftOut(path),
  });
}

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
for (const name of deployed) {
  if (!existsSync(join(root, name))) throw new Error(`${name} is missing. Run npm run build.`);
  cpSync(join(root, name), join(stage, name), { recursive: true });
}

const manifest = readJson('package.json');
const staged = Object.fromEntries(manifestMembers.map((member) => [member, manifest[member]]));
writeFileSync(join(stage, 'package.json'), `${JSON.stringify(staged, null, 2)}\n`);

const { packages } = readJson('package-lock.json');
const closure = productionClosure(packages);
for (const place of closure) copyPackage(place, packages[place].optional === true);
process.stdout.write(`${closure.length} packages and the app are in ${stage}\n`);
