PUT file:///tmp/data/*.csv @%orders/in//a--b AUTO_COMPRESS = TRUE;
PUT 'file:///tmp/with blank;.csv' @~;
GET @~/out/ file:///tmp/out/;
LIST @stage/dir//file.csv;
REMOVE @"My Db"."S;".stage/a/*.gz PATTERN = '.*;';
COPY INTO t FROM @s/dir/*.csv;
COPY INTO t FROM (SELECT $1 FROM @s/a//b);
COPY INTO t FROM @s/a--b, @s/c//d;
COPY FILES INTO @a/x//y FROM snow://notebook/n/versions/live//z;
SELECT METADATA$FILENAME FROM @s(FILE_FORMAT => 'f', PATTERN => 'a//b');
EXECUTE IMMEDIATE FROM @repo/branches/main/a//b.sql;
SELECT file:name, s3:key // a comment; here
  FROM t
;
SELECT a /* comment */ / b //c;
  , d -- e;
