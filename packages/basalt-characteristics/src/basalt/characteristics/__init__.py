"""What order events and trades are like: facts about the data of a bucket, true or false, counted or measured."""
