package generate

import "fmt"

// sdkAgents returns 120 user agents of programs: SDKs and command-line tools of
// several versions and hosts.
func sdkAgents(d *dice) []string {
	linux := []string{"6.1.79-99.167.amzn2023.x86_64", "5.10.215-203.850.amzn2.x86_64", "6.8.0-1021-aws", "5.15.0-1064-aws"}
	pick := func(s []string) string { return s[d.below(len(s))] }
	var all []string
	for i := range 120 {
		switch minor, patch := d.between(10, 69), d.between(0, 140); i % 10 {
		case 0, 1:
			all = append(all, fmt.Sprintf("Boto3/1.%d.%d md/Botocore#1.%d.%d ua/2.0 os/linux#%s md/arch#x86_64 lang/python#3.%d.%d Botocore/1.%d.%d",
				minor, patch, minor, patch, pick(linux), d.between(9, 13), d.between(0, 9), minor, patch))
		case 2:
			all = append(all, fmt.Sprintf("aws-cli/2.%d.%d md/awscrt#0.%d.%d ua/2.0 os/macos#%d.6.0 md/arch#arm64 lang/python#3.12.6 md/pyimpl#CPython md/command#s3.%s",
				d.between(13, 31), d.between(0, 60), d.between(19, 26), d.between(0, 9), d.between(22, 24), pick([]string{"cp", "sync", "ls", "rm"})))
		case 3:
			all = append(all, fmt.Sprintf("aws-sdk-java/2.%d.%d Linux/%s OpenJDK_64-Bit_Server_VM/21.0.%d+9-LTS Java/21.0.%d vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/legacy",
				d.between(17, 31), patch, pick(linux), patch%8, patch%8))
		case 4:
			all = append(all, fmt.Sprintf("Hadoop 3.3.%d, aws-sdk-java/1.12.%d Linux/%s OpenJDK_64-Bit_Server_VM/17.0.%d+7 java/17.0.%d scala/2.12.18",
				d.between(1, 6), d.between(180, 780), pick(linux), patch%12, patch%12))
		case 5:
			all = append(all, fmt.Sprintf("aws-sdk-go-v2/1.%d.%d os/linux lang/go#1.%d.%d md/GOOS#linux md/GOARCH#arm64 api/s3#1.%d.%d m/E",
				minor, patch%12, d.between(20, 25), patch%9, d.between(40, 97), patch%5))
		case 6:
			all = append(all, fmt.Sprintf("aws-sdk-js/3.%d.0 ua/2.1 os/linux#%s lang/js md/nodejs#%d.%d.0 api/s3#3.%d.0 m/E,b",
				d.between(300, 890), pick(linux), d.between(18, 22), d.between(0, 18), d.between(300, 890)))
		case 7:
			all = append(all, fmt.Sprintf("AWS_ATHENA, aws-sdk-java/1.12.%d Linux/%s OpenJDK_64-Bit_Server_VM/11.0.%d+9-LTS java/11.0.%d vendor/Amazon.com_Inc., presto",
				d.between(300, 780), pick(linux), patch%24, patch%24))
		case 8:
			all = append(all, fmt.Sprintf("APN/1.0 HashiCorp/1.0 Terraform/1.%d.%d terraform-provider-aws/5.%d.0 aws-sdk-go-v2/1.%d.0",
				d.between(3, 11), patch%9, d.between(10, 99), d.between(20, 36)))
		default:
			all = append(all, pick([]string{
				fmt.Sprintf("rclone/v1.%d.%d", d.between(55, 70), patch%4),
				fmt.Sprintf("aws-sdk-go/1.%d.%d (go1.%d; linux; amd64) S3Manager", d.between(44, 55), patch, d.between(18, 23)),
				fmt.Sprintf("aws-sdk-rust/1.3.%d os/linux lang/rust/1.%d.0", patch%10, d.between(70, 88)),
				"S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.225-191.878.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.412-b09 java/1.8.0_412 vendor/Oracle_Corporation cfg/retry-mode/standard",
			}))
		}
	}
	return all
}

// browserAgents returns 600 user agents of people.
func browserAgents(d *dice) []string {
	desk := []string{"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"}
	all := make([]string, 0, 600)
	for i := range 600 {
		switch os := desk[d.below(len(desk))]; i % 6 {
		case 0, 1, 2:
			all = append(all, fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", os, 100+i/6%48))
		case 3:
			v := d.between(100, 147)
			all = append(all, fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0", os, v, v))
		case 4:
			all = append(all, fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS %d_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.%d Mobile/15E148 Safari/604.1",
				15+i%4, i%7, 15+i%4, i%7))
		default:
			all = append(all, fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36 Edg/%d.0.%d.%d", os, 100+i/12%48, 100+i/12%48, d.between(1000, 3000), d.between(10, 99)))
		}
	}
	return all
}
