// Seeds are imported as files, so that the executable carries them: the import is where the file stands.
declare module "*.br" {
  const path: string;
  export default path;
}
